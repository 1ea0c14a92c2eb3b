//! What is named on the command line and what is written there: nothing is cut in silence, written over or read without an end.

use crate::home::{Home, QUICK};
use std::fs::File;

/// What a command says whose result finds no room.
fn into_nothing(home: &Home, arguments: &[&str]) -> (i32, String) {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let told = home.command(arguments).stdout(full).output().unwrap();
    (told.status.code().unwrap(), String::from_utf8(told.stderr).unwrap())
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let home = Home::new();
    let run = home.completed_run(&[]);
    let plan = home.plan("quick", QUICK);
    for arguments in [
        vec!["runs", "list", "--output", "json"],
        vec!["runs", "get", &run],
        vec!["audit", "export"],
        vec!["plan", "graph", &plan],
        vec!["plan", "schema"],
        vec!["explain", "DVT-P001"],
        vec!["run", &plan, "--output", "json"],
    ] {
        home.dvt(&arguments).ends(0);
        let (code, told) = into_nothing(&home, &arguments);
        assert_eq!(code, 2, "{arguments:?}: {told}");
        assert!(told.contains("the result cannot be written: the disk is full"), "{arguments:?}: {told}");
        assert!(!told.contains("each with its proof"), "{told}");
    }
    // What failed otherwise says that, and a reader that has seen enough is no fault.
    let (code, told) = into_nothing(&home, &["runs", "get", "run_00000000-0000-4000-8000-000000000000"]);
    assert!(code == 4 && told.contains("NOT_FOUND"), "{code} {told}");
    home.shell(&format!("{} plan schema | head -1", env!("CARGO_BIN_EXE_dvt")), "/usr/bin:/bin").ends(0);
}

#[test]
fn evidence_is_never_written_over() {
    let home = Home::new();
    home.completed_run(&[]);
    home.dvt(&["audit", "export", "--file", "evidence"]).ends(0);
    let kept = std::fs::read(home.path("evidence")).unwrap();
    for arguments in [
        ["audit", "export", "--file", "evidence"].as_slice(),
        &["audit", "prove", "1", "--file", "evidence"],
        &["init", "evidence"],
    ] {
        let told = home.dvt(arguments).ends(2);
        assert!(told.err.contains("exists and is not written over"), "{told:#?}");
        assert_eq!(std::fs::read(home.path("evidence")).unwrap(), kept);
    }
    home.dvt(&["audit", "prove", "1", "--file", "proof"]).ends(0);
    home.dvt(&["audit", "verify", "--proof", "proof"]).ends(0);
}

#[test]
fn no_file_is_read_without_an_end() {
    let home = Home::new();
    let plan = home.plan("waits", crate::home::ENDLESS);
    home.completed_run(&[]);
    for arguments in [
        vec!["run", &plan, "--inputs", "/dev/zero"],
        vec!["runs", "signal", "@latest", "go", "-p", "@/dev/zero"],
        vec!["audit", "verify", "--proof", "/dev/zero"],
        vec!["audit", "verify", "--keys", "/dev/zero"],
        vec!["import", "argo", "/dev/zero"],
        vec!["lint", "/dev/zero"],
        vec!["plan", "test", "/dev/zero"],
    ] {
        // Nothing may grow beyond what one reader holds; of the import that is much.
        let line = format!("ulimit -v 4000000; exec {} {}", env!("CARGO_BIN_EXE_dvt"), arguments.join(" "));
        let told = home.shell(&line, "/usr/bin:/bin");
        assert!(told.code == 2 && told.err.contains("PAYLOAD_TOO_LARGE"), "{arguments:?} {told:#?}");
    }
    let told = home.dvt(&["audit", "verify", "--keys", "/dev/null"]).ends(2);
    assert!(told.err.contains("holds no key"), "{told:#?}");
}

#[test]
fn another_key_is_no_fault_of_ours() {
    let home = Home::new();
    let plan = home.plan("quick", QUICK);
    home.dvt(&["run", &plan, "--quiet"]).ends(0);
    let other = Home::new();
    other.completed_run(&[]);
    std::fs::copy(other.path("home/config/key"), home.path("home/config/key")).unwrap();
    for arguments in [["runs", "list"].as_slice(), &["run", &plan], &["audit", "show"], &["store", "check"]] {
        let told = home.dvt(arguments).ends(5);
        assert!(told.err.contains("KEY_UNAVAILABLE") && told.err.contains("put the key file"), "{told:#?}");
    }
}

#[test]
fn a_signal_has_a_name() {
    let home = Home::new();
    home.completed_run(&[]);
    for name in ["", "n\u{1b}[31mRED", "two words"] {
        let told = home.dvt(&["runs", "signal", "@latest", name]).ends(2);
        assert!(told.err.contains("is no name of a signal") && !told.err.contains('\u{1b}'), "{told:#?}");
    }
}

#[test]
fn names_of_files_paint_nothing() {
    let home = Home::new();
    let name = home.plan("a\u{1b}[31mX\u{7}", QUICK);
    let told = home.dvt(&["lint", &name]).ends(0);
    assert!(told.out.contains(": ok") && !told.out.contains(['\u{1b}', '\u{7}']), "{told:#?}");
    let told = home.dvt(&["init", "b\u{1b}[31m.yaml"]).ends(0);
    assert!(!(told.out + &told.err).contains('\u{1b}'));
}

#[test]
fn a_run_whose_time_is_over_says_so_everywhere() {
    let home = Home::new();
    let text = "apiVersion: dvt/v1\nname: late\nlimits: { maxDuration: 1s }\nsteps: { a: { script: 'exec sleep 600' } }\n";
    let plan = home.plan("late", text);
    let told = home.dvt(&["run", &plan, "--allow-host"]).ends(1);
    let got = home.dvt(&["runs", "get", "@latest"]).ends(0);
    for text in [&told.err, &got.out] {
        assert!(text.contains("failed[RUN_TIMEOUT]") && !text.contains("failed[CANCELLED]"), "{text}");
    }
    assert!(told.out.contains("its time is over"), "{told:#?}");
}

/// What is asked about before it ends for good is the run itself, not the word for it.
#[test]
fn what_would_be_kept_is_named_by_its_id() {
    let home = Home::new();
    let run = home.completed_run(&[]);
    let told = home.dvt(&["data", "hold", "place", "@latest", "--dry-run", "-m", "court"]).ends(0);
    assert!(told.out.contains(&run) && !told.out.contains("@latest"), "{told:#?}");
}

#[test]
fn an_address_makes_no_file() {
    let home = Home::new();
    for place in ["127.0.0.1:99999", "collector:9464"] {
        home.dvt(&["--metrics", place, "runs", "list"]).ends(2);
        assert!(!home.path(place).exists(), "{place}");
    }
}

/// Both fail at once, one with a code that is tried again: why it is not tried again is the other's failure, not its code.
#[test]
fn why_says_what_stopped_another_attempt() {
    let home = Home::new();
    let text = "apiVersion: dvt/v1\nname: both\nsteps:\n  quick: { script: 'exit 4' }\n  \
                again: { script: 'sleep 1; exit 75', retry: { max: 1, initial: 1s, backoff: constant, on: [transient] } }\n";
    home.dvt(&["run", &home.plan("both", text), "--allow-host"]).ends(1);
    let told = home.dvt(&["runs", "why", "both", "again"]).ends(0);
    assert!(told.out.contains("on its way to its end") && !told.out.contains("retry.on"), "{told:#?}");
}
