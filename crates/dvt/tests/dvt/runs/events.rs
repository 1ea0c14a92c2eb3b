//! What happened, event by event, after the end and while it happens.

use crate::home::{Home, Running};
use serde_json::Value;

const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  one: { uses: dvt/noop@1 }\n  release: { needs: one, approval: { role: operator } }\n";

#[test]
fn events_come_in_their_order_and_of_one_step() {
    let home = Home::new();
    let run = home.completed_run(&[]);
    let all = home.dvt(&["runs", "events", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(all["runId"], run.as_str());
    let names: Vec<&str> =
        all["events"].as_array().unwrap().iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!((names[0], *names.last().unwrap()), ("RunQueued", "RunCompleted"));
    let of = |event: &Value| event["runSeq"].as_u64().unwrap();
    let seqs: Vec<u64> = all["events"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(seqs, (1..=all["lastRunSeq"].as_u64().unwrap()).collect::<Vec<_>>());

    let one = home.dvt(&["runs", "events", "@latest", "--step", "one", "--output", "jsonl"]).ends(0).out;
    let lines: Vec<Value> = one.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{one}");
    assert!(lines.iter().all(|event| event["stepId"] == "one"));
    let behind = home.dvt(&["runs", "events", "@latest", "--after", "2", "--output", "json"]).ends(0).json();
    assert_eq!(behind["events"].as_array().unwrap().len(), names.len() - 2);
    let people = home.dvt(&["runs", "events", "@latest"]).ends(0).out;
    assert!(people.lines().last().unwrap().ends_with("completed"), "{people}");
    assert_eq!(people.lines().count(), names.len());
}

/// From another process than the run's: it sees what comes, ends with the run, and keeps nothing going.
#[test]
fn a_follower_sees_the_end_and_a_killed_engine() {
    let home = Home::new();
    let plan = home.plan("gate", GATE);
    let run = || {
        let mut running = Running::start(&home, &["run", &plan, "--output", "jsonl"]);
        running.until("\"stepId\":\"release\"");
        running
    };
    let running = run();
    let mut follower = Running::start(&home, &["runs", "events", "@latest", "-f", "--output", "jsonl"]);
    follower.until("\"stepId\":\"release\"");
    home.dvt(&["runs", "approve", "@latest", "release", "-m", "good"]).ends(0);
    follower.until("\"StepVoted\"");
    follower.until("\"RunCompleted\"");
    follower.end().ends(0);
    running.end().ends(0);

    let mut running = run();
    let mut follower = Running::start(&home, &["runs", "events", "@latest", "-f"]);
    follower.until("release");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let told = follower.end().ends(5);
    assert!(told.err.contains("go on: dvt runs resume run_"), "{told:#?}");
    let list = home.dvt(&["runs", "list", "--limit", "1"]).ends(0).out;
    assert!(list.contains("RECOVERING"), "the follower did not become the engine: {list}");
}
