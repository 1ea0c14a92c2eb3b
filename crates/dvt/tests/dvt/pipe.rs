//! A reader that goes away is no panic, and it does not stop a run.

use crate::home::Home;
use std::io::Read as _;

#[test]
fn a_closed_pipe_stops_no_run() {
    let home = Home::new();
    let plan = home.plan("quick", crate::home::QUICK);
    home.dvt(&["config", "show"]).ends(0);
    let mut child = home.command(&["run", &plan, "--output", "jsonl"]).spawn().unwrap();
    let mut one = [0u8; 1];
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut one).unwrap();
    drop(output);
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{errors}");
    assert!(!errors.contains("INTERNAL") && !errors.contains("panic"), "{errors}");
    let list = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
    assert_eq!(list["runs"][0]["status"], "COMPLETED");
}

#[test]
fn nobody_reads_at_all() {
    let home = Home::new();
    home.completed_run(&[]);
    for arguments in
        [&["--help"][..], &["explain"], &["runs", "list"], &["runs", "get", "@latest"], &["audit", "verify"]]
    {
        let mut child = home.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let errors = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?} {errors}");
        assert!(!errors.contains("INTERNAL"), "{arguments:?} {errors}");
    }
}
