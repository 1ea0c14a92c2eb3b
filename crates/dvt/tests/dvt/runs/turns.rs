//! A run that is queued behind another one of its concurrency group: every view tells what it waits for.

use crate::engine::{send, sockets, until};
use crate::home::{Home, Running};

const ALONE: &str = "apiVersion: dvt/v1\nname: alone\nconcurrency: { group: nightly, onBusy: queue }\nsteps:\n  work: { signal: go }\n  after: { needs: work, uses: dvt/noop@1 }\n";

#[test]
fn every_view_tells_which_run_has_the_turn() {
    let home = Home::new();
    let plan = home.plan("alone", ALONE);
    let start = ["run", &plan, "--output", "jsonl"];
    // Who works on the runs stays when the first of them has ended.
    let resident = Running::start(&home, &["engine"]);
    until("the engine listens", || sockets(&home) == 1);
    let mut first = Running::start(&home, &start);
    let started = first.until("\"StepStarted\"");
    let started: serde_json::Value = serde_json::from_str(&started).unwrap();
    let holder = started["runId"].as_str().unwrap();
    let name = holder.get(..12).unwrap();
    let get = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert!(get.get("waitsFor").is_none(), "control, for it has its turn: {get}");
    let mut second = Running::start(&home, &start);
    second.until("\"RunQueued\"");
    let mut third = Running::start(&home, &start);
    third.until("\"RunQueued\"");

    let told = format!("waits for its turn in the concurrency group `nightly`: {name} holds it, 2 ahead");
    for words in
        [&["runs", "why", "@latest"][..], &["runs", "why", "@latest", "work"], &["runs", "get", "@latest"]]
    {
        let shown = home.dvt(words).ends(0);
        assert!(shown.out.contains(&told), "{words:?}: {shown:#?}");
    }
    let why = home.dvt(&["runs", "why", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(why["reason"], "WAITS_FOR_GROUP", "{why}");
    let waits = serde_json::json!({ "ahead": 2, "group": "nightly", "runId": holder });
    let get = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(get["waitsFor"], waits, "{get}");
    let list = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
    let ahead = |index: usize| list["runs"][index]["waitsFor"]["ahead"].clone();
    assert_eq!([ahead(0), ahead(1), ahead(2)], [2.into(), 1.into(), serde_json::Value::Null], "{list}");
    assert!(home.dvt(&["runs", "list"]).ends(0).out.contains("PENDING, 2 ahead"));

    home.dvt(&["runs", "signal", holder, "go"]).ends(0);
    first.end().ends(0);
    // The next one has its turn, and the one behind it waits for that one.
    second.until("\"StepStarted\"");
    let why = home.dvt(&["runs", "why", "@latest"]).ends(0);
    assert!(why.out.contains("1 ahead") && !why.out.contains(name), "{why:#?}");
    let second_run = &list["runs"][1]["runId"];
    home.dvt(&["runs", "signal", second_run.as_str().unwrap(), "go"]).ends(0);
    second.end().ends(0);
    third.until("\"StepStarted\"");
    home.dvt(&["runs", "signal", "@latest", "go"]).ends(0);
    third.end().ends(0);
    send("-TERM", &resident.child);
    resident.end();
}
