//! Two processes, one engine: the second one forwards, and takes over when the first is gone.

use crate::home::{ENDLESS, Home, Running};

#[test]
fn a_second_process_runs_in_the_engine_of_the_first() {
    let home = Home::new();
    let endless = home.plan("endless", ENDLESS);
    let mut first = Running::start(&home, &["run", &endless, "--allow-host", "--output", "jsonl"]);
    let id = first.until("\"StepStarted\"");
    let id = serde_json::from_str::<serde_json::Value>(&id).unwrap()["runId"].as_str().unwrap().to_owned();
    home.completed_run(&[]);
    let shown = home.dvt(&["runs", "get", &id, "--output", "json"]).ends(0).json();
    assert_eq!(shown["status"], "RUNNING");
    assert_ne!(shown["substatus"], "RECOVERING");
    home.dvt(&["runs", "cancel", &id, "-m", "seen enough"]).ends(0);
    first.end().ends(3);
}

#[test]
fn the_second_takes_over_its_own_run_and_no_other() {
    let home = Home::new();
    let endless = home.plan("endless", ENDLESS);
    let gated = super::resume::plan(&home);
    let mut first = Running::start(&home, &["run", &endless, "--allow-host", "--output", "jsonl"]);
    let line = first.until("\"StepStarted\"");
    let left =
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["runId"].as_str().unwrap().to_owned();
    let mut second = Running::start(&home, &["run", &gated, "--allow-host", "--output", "jsonl"]);
    second.until("\"stepId\":\"second\"");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    second.until("\"StepRedispatched\"");
    std::fs::write(home.path("gate"), "").unwrap();
    second.until("\"RunCompleted\"");
    second.end().ends(0);
    let shown = home.dvt(&["runs", "get", &left, "--output", "json"]).ends(0).json();
    assert_eq!((&shown["status"], &shown["substatus"]), (&"RUNNING".into(), &"RECOVERING".into()));
    // A cancel needs no engine of somebody else: this process becomes it and sees the end.
    home.dvt(&["runs", "cancel", &left, "-m", "nobody needs it", "--output", "json"]).ends(0);
    let shown = home.dvt(&["runs", "get", &left, "--output", "json"]).ends(0).json();
    assert_eq!(shown["status"], "CANCELLED");
    home.dvt(&["audit", "verify"]).ends(0);
}
