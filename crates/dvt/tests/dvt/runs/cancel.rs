//! Cancel from a second process, and what a cancel needs.

use crate::home::{ENDLESS, Home, Running};

#[test]
fn a_second_process_cancels_and_the_first_ends_with_three() {
    let home = Home::new();
    let plan = home.plan("endless", ENDLESS);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    let told = home.dvt(&["runs", "cancel", "@latest"]).ends(2);
    assert!(told.err.contains("DECISION_RECORD_INCOMPLETE") && told.err.contains("-m"), "{told:#?}");
    home.dvt(&["runs", "cancel", "@latest", "-m", ""]).ends(2);
    let told = home.dvt(&["runs", "cancel", "@latest", "-m", "wrong file"]).ends(0);
    assert!(
        told.out.starts_with("run_") && told.out.ends_with(": cancel requested: wrong file\n"),
        "{told:#?}"
    );
    assert!(told.err.contains("dvt runs get run_"), "how to follow: {told:#?}");
    running.until("\"RunCancelled\"");
    running.end().ends(3);
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(run["status"], "CANCELLED");
    let after = home.dvt(&["runs", "cancel", "@latest", "-m", "again"]).ends(6);
    assert!(after.err.contains("RUN_TERMINAL"), "{after:#?}");
    home.dvt(&["audit", "verify"]).ends(0);
}
