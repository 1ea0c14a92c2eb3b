//! A whole run again, from the command line; and a newer run that cancels an older one of its group.

use crate::home::{Home, Running};

const SHAKY: &str = "apiVersion: dvt/v1\nname: shaky\nsteps:\n  first:\n    script: echo run >> \"$COUNT\"\n    env: { COUNT: '${{ inputs.count }}' }\n  second: { needs: first, run: [test, -e, '${{ inputs.go }}'] }\ninputs: { count: { type: string }, go: { type: string } }\n";

#[test]
fn a_run_that_failed_is_run_again_from_where_it_failed() {
    let home = Home::new();
    let plan = home.plan("shaky", SHAKY);
    let (count, go) = (home.path("count"), home.path("go"));
    let inputs = [format!("count={}", count.display()), format!("go={}", go.display())];
    let run = ["run", &plan, "--allow-host", "-i", &inputs[0], "-i", &inputs[1], "--output", "json"];
    let old = home.dvt(&run).ends(1).json()["runId"].as_str().unwrap().to_owned();
    std::fs::write(&go, "").unwrap();
    let told = home.dvt(&["runs", "retry", &old, "--allow-host"]).ends(2);
    assert!(told.err.contains("DECISION_RECORD_INCOMPLETE"), "{told:#?}");
    // Its word is not handed down.
    let told = home.dvt(&["runs", "retry", &old, "-m", "the file is there"]).ends(4);
    assert!(told.err.contains("SANDBOX_UNAVAILABLE"), "{told:#?}");
    let again = ["runs", "retry", &old, "--allow-host", "-m", "the file is there", "--output", "json"];
    let new = home.dvt(&again).ends(0).json();
    assert_eq!(new["status"], "COMPLETED");
    assert_ne!(new["runId"].as_str().unwrap(), old);
    assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 1);
    let completed = home.dvt(&["runs", "retry", "@latest", "--allow-host", "-m", "why not"]).ends(6);
    assert!(completed.err.contains("INVALID_STATE_TRANSITION"), "{completed:#?}");
    home.dvt(&["audit", "verify"]).ends(0);
}

const ALONE: &str = "apiVersion: dvt/v1\nname: alone\nconcurrency: { group: one, onBusy: cancelPrevious }\ninputs: { long: { type: boolean, default: false } }\nsteps:\n  work: { if: inputs.long, run: [sleep, '600'] }\n";

#[test]
fn a_newer_run_of_a_group_cancels_the_older_one_in_another_terminal() {
    let home = Home::new();
    let plan = home.plan("alone", ALONE);
    let mut old =
        Running::start(&home, &["run", &plan, "--allow-host", "-i", "long=true", "--output", "jsonl"]);
    old.until("\"StepStarted\"");
    let new = home.dvt(&["run", &plan, "--allow-host"]).ends(0);
    assert!(new.err.contains("goes first"), "{new:#?}");
    old.until("\"RunCancelRequested\"");
    old.end().ends(3);
    let told = home.dvt(&["audit", "show", "--type", "DECISION_RECORDED", "--output", "json"]).ends(0);
    assert!(told.out.contains("CANCEL"), "{told:#?}");
    home.dvt(&["audit", "verify"]).ends(0);
}
