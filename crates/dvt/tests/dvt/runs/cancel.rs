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

pub(crate) const WAY_OUT: &str = "apiVersion: dvt/v1
name: trip
steps:
  flight: { uses: dvt/noop@1, compensate: { uses: dvt/noop@1 } }
  hotel: { needs: flight, uses: dvt/noop@1, compensate: { uses: dvt/noop@1 } }
  gate: { needs: hotel, approval: { role: operator } }
  load: { needs: hotel, run: [sleep, '600'] }
  excuse: { needs: gate, if: failure(), uses: dvt/noop@1 }
  car: { needs: gate, uses: dvt/noop@1, compensate: { uses: dvt/noop@1 } }
finally:
  tell: { uses: dvt/noop@1 }
";

/// What a cancel would do is what it then does; to look changes nothing.
#[test]
fn a_cancel_and_a_stop_say_before_what_they_change() {
    let home = Home::new();
    let plan = home.plan("trip", WAY_OUT);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"stepId\":\"load\"");
    let told = home.dvt(&["runs", "cancel", "trip", "--dry-run"]).ends(0).out;
    let lines: Vec<&str> = told.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "  told to end, and killed 5 s later: load",
            "  closed: gate",
            "  run if their condition holds then: excuse",
            "  undone, in this order: hotel, flight",
            "  run at the end: tell",
            "  nothing else starts",
        ],
        "{told}"
    );
    let stop = home.dvt(&["runs", "stop", "@latest", "--dry-run", "--force-kill"]).ends(0).out;
    assert!(
        stop.ends_with(
            " would be stopped at once\n  killed: load\n  closed: gate\n  nothing is undone, and no `finally` runs\n"
        ),
        "{stop}"
    );
    let stop = home.dvt(&["runs", "stop", "@latest", "--dry-run", "--output", "json"]).ends(0).json();
    assert_eq!((&stop["ends"], &stop["undoes"]), (&serde_json::json!(["load"]), &serde_json::json!([])));
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(run["status"], "RUNNING");
    home.dvt(&["runs", "cancel", "@latest", "-m", "no time"]).ends(0);
    running.end().ends(3);
    let events = home.dvt(&["runs", "events", "@latest", "--output", "jsonl"]).ends(0).out;
    let started: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .skip_while(|event| event["eventType"] != "RunCancelRequested")
        .filter(|event| event["eventType"] == "StepStarted")
        .map(|event| event["stepId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(started, ["hotel.compensate", "flight.compensate", "tell"], "{events}");
    assert!(home.dvt(&["runs", "cancel", "@latest", "--dry-run"]).ends(6).err.contains("RUN_TERMINAL"));
}
