//! The demo kills a real engine, tells what it counted, and leaves nothing behind.

use crate::home::{Home, Told};
use std::process::Command;

fn demo(home: &Home, more: &[&str]) -> Command {
    let temporary = home.path("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = home.command(&[&["demo", "crash"], more].concat());
    command.env("TMPDIR", temporary);
    command
}

fn left(home: &Home) -> usize {
    std::fs::read_dir(home.path("tmp")).unwrap().count()
}

#[test]
fn a_killed_engine_repeats_one_step_and_no_other() {
    let home = Home::new();
    let told = Told::of(demo(&home, &[]).output().unwrap()).ends(0);
    let lines: Vec<&str> = told.out.lines().collect();
    assert!(lines[0].starts_with("started run_") && lines[0].ends_with("killed (SIGKILL)"), "{told:#?}");
    assert!(lines[1].contains("found 4 steps done, 1 in flight"), "{told:#?}");
    assert_eq!(lines[2], "  = clean, fetch, join, score: kept, not run again");
    assert!(lines[3].starts_with("  ↻ train: dispatched again, same attempt, same token "), "{told:#?}");
    assert!(lines[4].ends_with("(started twice, finished once) · ledger VALID"), "{told:#?}");
    assert_eq!(left(&home), 0);
    assert!(!home.path("home").exists(), "it has an installation of its own");
    let data = Told::of(demo(&home, &["--output", "json"]).output().unwrap()).ends(0).json();
    assert_eq!((&data["asPromised"], &data["starts"]["train"]), (&true.into(), &2.into()), "{data}");
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    let home = Home::new();
    let mut child = demo(&home, &[]).spawn().unwrap();
    // As soon as there is something to leave behind: long before its run has ended.
    while left(&home) == 0 {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let code = child.wait().unwrap().code();
    assert_eq!((code, left(&home)), (Some(3), 0));
}
