//! Acts of an operator from a second process: each changes the run of the first, is entered with its reason, and is refused where the
//! state or the record does not allow it.

use crate::home::{ENDLESS, Home, Running, Told};

fn started(home: &Home, name: &str, text: &str, until: &str) -> Running {
    let plan = home.plan(name, text);
    let mut running = Running::start(home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until(until);
    running
}

fn status(home: &Home) -> String {
    let got = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    got["status"].as_str().unwrap().to_owned()
}

fn accepted(told: &Told, what: &str) {
    assert_eq!(told.json()["accepted"], true, "{what}: {told:#?}");
}

#[test]
fn pause_and_resume_from_a_second_process() {
    let home = Home::new();
    let mut running = started(&home, "endless", ENDLESS, "\"StepStarted\"");
    let told = home.dvt(&["runs", "pause", "@latest"]).ends(2);
    assert!(told.err.contains("DECISION_RECORD_INCOMPLETE"), "{told:#?}");
    assert_eq!(status(&home), "RUNNING");
    accepted(&home.dvt(&["runs", "pause", "@latest", "-m", "full", "--output", "json"]).ends(0), "pause");
    running.until("\"RunPaused\"");
    assert_eq!(status(&home), "PAUSED");
    let again = home.dvt(&["runs", "pause", "@latest", "-m", "again"]).ends(6);
    assert!(again.err.contains("INVALID_STATE_TRANSITION"), "{again:#?}");
    accepted(&home.dvt(&["runs", "resume", "@latest", "-m", "room", "--output", "json"]).ends(0), "resume");
    running.until("\"RunResumed\"");
    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough"]).ends(0);
    running.end().ends(3);
    home.dvt(&["audit", "verify"]).ends(0);
}

const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  one: { uses: dvt/noop@1 }\n  release: { needs: one, approval: { role: operator } }\n  two: { needs: release, uses: dvt/noop@1 }\n";

#[test]
fn an_approval_lets_the_run_go_on_and_a_refusal_fails_it() {
    let home = Home::new();
    let mut running = started(&home, "gate", GATE, "\"stepId\":\"release\"");
    let wrong = home.dvt(&["runs", "approve", "@latest", "one", "-m", "looks good"]).ends(6);
    assert!(wrong.err.contains("STEP_TERMINAL") || wrong.err.contains("INVALID_STATE"), "{wrong:#?}");
    accepted(
        &home.dvt(&["runs", "approve", "@latest", "release", "-m", "good", "--output", "json"]).ends(0),
        "approve",
    );
    running.until("\"StepVoted\"");
    running.until("\"RunCompleted\"");
    running.end().ends(0);

    let mut refused = started(&home, "gate", GATE, "\"stepId\":\"release\"");
    home.dvt(&["runs", "reject", "@latest", "release", "-m", "wrong figures"]).ends(0);
    refused.until("\"APPROVAL_REJECTED\"");
    refused.end().ends(1);
    home.dvt(&["audit", "verify"]).ends(0);
}

const PARCEL: &str = "apiVersion: dvt/v1\nname: parcel\nsteps:\n  hold: { approval: { role: operator } }\n  delivered: { needs: hold, signal: delivered }\n  count: { needs: delivered, uses: dvt/noop@1, with: { output: '${{ steps.delivered.output.parcels }}' } }\noutputs: { parcels: '${{ steps.count.output }}' }\n";

#[test]
fn a_signal_may_come_early_or_late_and_once() {
    let home = Home::new();
    let mut early = started(&home, "parcel", PARCEL, "\"stepId\":\"hold\"");
    let send = ["runs", "signal", "@latest", "delivered", "-p", "{\"parcels\": 3}", "--signal-id", "dhl-7"];
    home.dvt(&send).ends(0);
    home.dvt(&send).ends(0);
    let other = ["runs", "signal", "@latest", "delivered", "-p", "{}", "--signal-id", "dhl-7"];
    assert!(home.dvt(&other).ends(6).err.contains("SIGNAL_DUPLICATE"));
    assert!(
        home.dvt(&["runs", "signal", "@latest", "delivered", "-p", "{"])
            .ends(2)
            .err
            .contains("SIGNAL_INVALID_PAYLOAD")
    );
    home.dvt(&["runs", "approve", "@latest", "hold", "-m", "go"]).ends(0);
    early.until("\"RunCompleted\"");
    early.end().ends(0);
    let got = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!((&got["status"], &got["outputs"]["parcels"]), (&"COMPLETED".into(), &3.into()), "{got}");

    let mut late = started(&home, "parcel", PARCEL, "\"stepId\":\"hold\"");
    home.dvt(&["runs", "approve", "@latest", "hold", "-m", "go"]).ends(0);
    late.until("\"stepId\":\"delivered\"");
    home.dvt(&["runs", "signal", "@latest", "delivered", "-p", "{\"parcels\": 1}"]).ends(0);
    late.until("\"RunCompleted\"");
    late.end().ends(0);
}

/// A vote, a signal and a cancel that stand already are told as such, and end as the first ones did.
#[test]
fn what_is_given_again_is_told_as_given_before() {
    let home = Home::new();
    let mut running = started(&home, "twice", TWICE, "\"stepId\":\"release\"");
    let approve = ["runs", "approve", "@latest", "release", "-m", "good"];
    let first = home.dvt(&approve).ends(0);
    assert!(first.out.contains("approved release: good"), "control: {first:#?}");
    let again = home.dvt(&approve).ends(0);
    assert!(again.out.contains("you approved release before; nothing changes"), "{again:#?}");
    running.until("\"StepVoted\"");
    let twice = |words: &[&str]| {
        let words = [words, &["--output", "json"]].concat();
        let told = [home.dvt(&words).ends(0), home.dvt(&words).ends(0)];
        told.map(|told| told.json()["duplicate"].as_bool().unwrap())
    };
    assert_eq!(twice(&approve), [true, true]);
    let signal = ["runs", "signal", "@latest", "delivered", "--signal-id", "dhl-7"];
    assert_eq!(twice(&signal), [false, true]);
    let told = home.dvt(&signal).ends(0);
    assert!(told.out.contains("the signal `dhl-7` was given before; nothing changes"), "{told:#?}");
    // Without an id of his own each is another signal.
    assert_eq!(twice(&["runs", "signal", "@latest", "delivered"]), [false, false]);
    home.dvt(&["runs", "cancel", "@latest", "-m", "enough"]).ends(0);
    running.until("\"RunCancelRequested\"");
    let told = home.dvt(&["runs", "cancel", "@latest", "-m", "more than enough"]).ends(0);
    assert!(told.out.contains("its cancel was requested before; nothing changes"), "{told:#?}");
    home.dvt(&["runs", "stop", "@latest", "--force-kill", "-m", "now"]).ends(0);
    running.end().ends(3);
    home.dvt(&["audit", "verify"]).ends(0);
}

/// One vote is not enough, the signal is taken by nobody yet, and the way out of a cancel waits for the undoing.
const TWICE: &str = "apiVersion: dvt/v1\nname: twice\nsteps:\n  one: { uses: dvt/noop@1, compensate: { script: 'sleep 600' } }\n  release: { needs: one, approval: { role: operator, min: 2 } }\n  delivered: { needs: release, signal: delivered }\n";

/// A signal that no step can take is kept all the same, and its sender is told.
#[test]
fn a_signal_that_no_step_takes_is_told_of() {
    let home = Home::new();
    let mut running = started(&home, "parcel", PARCEL, "\"stepId\":\"hold\"");
    let early = home.dvt(&["runs", "signal", "@latest", "delivered", "--dry-run"]).ends(0);
    assert!(early.out.contains("kept until a step waits for it"), "{early:#?}");
    let early = home.dvt(&["runs", "signal", "@latest", "delivered", "-p", "{\"parcels\": 1}"]).ends(0);
    assert!(!early.err.contains("warning"), "control, for a step takes it later: {early:#?}");
    let words = ["runs", "signal", "@latest", "delivred"];
    let told = home.dvt(&words).ends(0);
    assert!(told.err.contains("warning: no step of the plan takes `delivred`"), "{told:#?}");
    assert!(told.err.contains("it waits for `delivered`"), "{told:#?}");
    let told = home.dvt(&[&words[..], &["--output", "json"]].concat()).ends(0).json();
    assert!(told["notes"][0].as_str().unwrap().contains("kept and never taken"), "{told}");
    let told = home.dvt(&[&words[..], &["--dry-run"]].concat()).ends(0);
    assert!(told.out.contains("kept and never taken"), "{told:#?}");
    home.dvt(&["runs", "approve", "@latest", "hold", "-m", "go"]).ends(0);
    running.until("\"RunCompleted\"");
    running.end().ends(0);
}

const HELD: &str = "apiVersion: dvt/v1\nname: held\nonStepFailure: hold\nsteps:\n  load:\n    script: |\n      [ -e '@GATE@' ]\n  after: { needs: load, uses: dvt/noop@1 }\n";

#[test]
fn a_held_run_goes_on_after_a_retry_or_a_skip() {
    let home = Home::new();
    let gate = home.path("gate").display().to_string();
    let text = HELD.replace("@GATE@", &gate);
    let mut retried = started(&home, "held", &text, "\"RunPaused\"");
    std::fs::write(&gate, "").unwrap();
    home.dvt(&["runs", "retry", "@latest", "load", "-m", "it is there now"]).ends(0);
    retried.until("\"StepRetryRequested\"");
    retried.until("\"RunCompleted\"");
    retried.end().ends(0);

    std::fs::remove_file(&gate).unwrap();
    let mut skipped = started(&home, "held", &text, "\"RunPaused\"");
    home.dvt(&["runs", "skip", "@latest", "load", "-m", "loaded by hand"]).ends(0);
    skipped.until("\"OPERATOR_SKIP\"");
    skipped.until("\"RunCompleted\"");
    skipped.end().ends(0);
}

#[test]
fn an_emergency_stop_ends_a_run_at_once() {
    let home = Home::new();
    let mut running = started(&home, "endless", ENDLESS, "\"StepStarted\"");
    home.dvt(&["runs", "stop", "@latest", "--force-kill", "-m", "wrong rows"]).ends(0);
    running.until("\"RunCancelled\"");
    running.end().ends(3);
    let after = home.dvt(&["runs", "stop", "@latest", "-m", "again"]).ends(6);
    assert!(after.err.contains("RUN_TERMINAL"), "{after:#?}");
}

/// A paused run that no engine works on is acted upon and goes on resting: only `resume` goes on with it.
#[test]
fn an_act_on_a_resting_run_is_written_and_wakes_nothing() {
    let home = Home::new();
    let mut running = started(&home, "gate", GATE, "\"stepId\":\"release\"");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    home.dvt(&["runs", "pause", "@latest", "-m", "not now"]).ends(0);
    assert_eq!(status(&home), "PAUSED");
    let before = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    home.completed_run(&[]);
    let id = before["runId"].as_str().unwrap();
    let after = home.dvt(&["runs", "get", id, "--output", "json"]).ends(0).json();
    assert_eq!(before["lastRunSeq"], after["lastRunSeq"]);
    home.dvt(&["runs", "approve", id, "release", "-m", "good"]).ends(0);
    home.dvt(&["runs", "resume", id, "-m", "now"]).ends(0);
    let ended = home.dvt(&["runs", "get", id, "--output", "json"]).ends(0).json();
    assert_eq!(ended["status"], "COMPLETED", "{ended}");
}

const LAST: &str = "apiVersion: dvt/v1\nname: last\nsteps:\n  work: { run: ['true'] }\n  release: { needs: work, approval: { role: operator } }\n";

/// What waits for nothing but its resume ends with that. Nothing starts any more, so nobody's word is needed.
#[test]
fn a_resume_that_ends_the_run_shows_its_end() {
    let home = Home::new();
    let mut running = started(&home, "last", LAST, "\"stepId\":\"release\"");
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    home.dvt(&["runs", "pause", "@latest", "-m", "not now"]).ends(0);
    home.dvt(&["runs", "approve", "@latest", "release", "-m", "good"]).ends(0);
    assert_eq!(status(&home), "PAUSED");
    let told = home.dvt(&["runs", "resume", "@latest", "-m", "now", "--output", "jsonl"]).ends(0);
    assert!(told.out.contains("\"RunCompleted\""), "{told:#?}");
    assert_eq!(status(&home), "COMPLETED");
    // Control: it has ended now, and that is told.
    let again = home.dvt(&["runs", "resume", "@latest", "-m", "now"]).ends(6);
    assert!(again.err.contains("RUN_TERMINAL"), "{again:#?}");
}

const PRODUCT: &str = "apiVersion: dvt/v1\nname: product\nsteps:\n  transform:\n    foreach: { region: [eu, us], kind: [full, delta] }\n    maxParallel: 2\n    script: |\n      printf '\"%s-%s\"' \"$REGION\" \"$KIND\" > \"$DVT_OUTPUT\"\n      echo \"at work on $REGION\"\n    env: { REGION: '${{ item.region }}', KIND: '${{ item.kind }}' }\n    compensate: { run: [echo, undone] }\n  fails: { needs: transform, run: ['false'] }\nfinally:\n  tell: { uses: dvt/noop@1, with: { output: '${{ run.status }}' } }\n";

/// Items run beside each other, a failure undoes them, and `finally` runs whatever happened.
#[test]
fn items_are_run_undone_and_told_of() {
    let home = Home::new();
    let plan = home.plan("product", PRODUCT);
    let ended = home.dvt(&["run", &plan, "--allow-host", "--output", "json"]).ends(1).json();
    let steps = &ended["steps"];
    assert_eq!(
        steps["transform"]["output"],
        serde_json::json!(["full-eu", "full-us", "delta-eu", "delta-us"].map(|pair| {
            let (kind, region) = pair.split_once('-').unwrap();
            format!("{region}-{kind}")
        })),
        "{ended}"
    );
    assert_eq!(steps["transform.3"]["status"], "SUCCESS", "{ended}");
    assert_eq!(steps["transform.0.compensate"]["status"], "SUCCESS", "{ended}");
    assert_eq!(steps["tell"]["status"], "SUCCESS", "{ended}");
    let logs = home.dvt(&["runs", "logs", "@latest", "--step", "transform"]).ends(0);
    assert_eq!(logs.out.matches("at work on").count(), 4, "{logs:#?}");
    home.dvt(&["audit", "verify"]).ends(0);
}
