//! Families of metrics about an engine while it works: its worker, its signals, its tenants, and what it took over.

use crate::engine::{send, until};
use crate::families::{number, told};
use crate::home::{Home, Running};
use crate::telemetry::{address, scrape};
use std::process::Child;

const SIGNALLED: &str = "apiVersion: dvt/v1
name: signalled
steps:
  work: { run: ['true'] }
  first: { needs: work, signal: first }
  second: { needs: first, signal: second }
";

#[test]
fn a_worker_a_signal_and_the_open_runs_are_told_while_a_run_rests() {
    let (signals, workers, used) = (
        "dvt_signal_processing_duration_seconds_count",
        "dvt_workers_available",
        "dvt_tenant_quota_used_ratio",
    );
    let home = Home::new();
    let quick = home.plan("quick", crate::home::QUICK);
    let text = told(&home, &["run", &quick], 0);
    assert_eq!((number(&text, workers), number(&text, signals)), (None, None), "control");
    assert_eq!(number(&text, used), Some(0.0), "{text}");
    let plan = home.plan("signalled", SIGNALLED);
    let flags = ["--allow-host", "--output", "jsonl", "--metrics", "127.0.0.1:0"];
    let mut running = Running::start(&home, &[&["run", plan.as_str()][..], &flags[..]].concat());
    let at = address(&mut running.child);
    let mut rests = |step: &str| while !running.until("\"StepStarted\"").contains(step) {};
    rests("\"first\"");
    let text = scrape(&at);
    assert_eq!((number(&text, workers), number(&text, signals)), (Some(1.0), None), "{text}");
    assert_eq!(number(&text, used), Some(0.001), "{text}");
    home.dvt(&["runs", "signal", "@latest", "first", "-p", "{}"]).ends(0);
    rests("\"second\"");
    // One that comes and ends beside it has used its part of the quota no longer.
    home.completed_run(&[]);
    let text = scrape(&at);
    assert_eq!((number(&text, signals), number(&text, used)), (Some(1.0), Some(0.001)), "{text}");
    assert_eq!(number(&text, "dvt_runs_started_total"), Some(2.0), "control: this engine had both runs");
    home.dvt(&["runs", "signal", "signalled", "second", "-p", "{}"]).ends(0);
    running.end().ends(0);
}

const ONE_AT_A_TIME: &str = "apiVersion: dvt/v1
name: single
concurrency: { group: one, onBusy: queue }
steps:
  release: { approval: { role: operator } }
";

/// An engine that tells metrics, and where.
fn resident(home: &Home) -> (Child, String) {
    let mut child = home.command(&["engine", "--metrics", "127.0.0.1:0"]).spawn().unwrap();
    let at = address(&mut child);
    (child, at)
}

/// Two runs of one group are open, and the second one waits: an engine that dies leaves it to the next one. Control: an engine that
/// ends in order gives its lease back, and nothing has run out.
#[test]
fn a_queued_run_of_an_engine_that_died_is_counted_where_it_is_taken_over() {
    const EXPIRED: &str = "dvt_run_queue_leases_expired_total";
    let home = Home::new();
    let plan = home.plan("single", ONE_AT_A_TIME);
    let (mut first, at) = resident(&home);
    until("it is the engine", || home.dvt(&["doctor"]).out.contains("one lives"));
    // Whoever started them is gone, and no client takes over.
    let start = |others: &[&str]| {
        let mut terminal = Running::start(&home, &["run", &plan, "--output", "jsonl"]);
        terminal.until("\"RunQueued\"");
        terminal.child.kill().unwrap();
        terminal.child.wait().unwrap();
        let listed = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
        let ids =
            listed["runs"].as_array().unwrap().iter().map(|run| run["runId"].as_str().unwrap().to_owned());
        ids.into_iter().find(|run| !others.contains(&run.as_str())).unwrap()
    };
    let older = start(&[]);
    let newer = start(&[&older]);
    let status = |run: &str| {
        let got = home.dvt(&["runs", "get", run, "--output", "json"]).ends(0).json();
        got["status"].as_str().unwrap().to_owned()
    };
    until("the older one rests", || status(&older) == "RUNNING");
    assert_eq!((status(&newer).as_str(), number(&scrape(&at), EXPIRED)), ("PENDING", None));
    first.kill().unwrap();
    first.wait().unwrap();
    let (mut second, at) = resident(&home);
    until("it takes the queued one over", || number(&scrape(&at), EXPIRED) == Some(1.0));
    send("-TERM", &second);
    assert!(second.wait().unwrap().success());
    let (mut third, at) = resident(&home);
    until("the older one ends", || home.dvt(&["runs", "approve", &older, "release", "-m", "good"]).code == 0);
    until("the newer one's turn has come", || status(&newer) == "RUNNING");
    assert_eq!(number(&scrape(&at), EXPIRED), None, "control");
    send("-TERM", &third);
    assert!(third.wait().unwrap().success());
}
