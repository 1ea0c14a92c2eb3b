//! `--dry-run` of the acts on a run: it says what the act then does, or refuses as the act does, and writes nothing.

use crate::home::{ENDLESS, Home, Running, Told};

fn started(home: &Home, name: &str, text: &str, until: &str) -> Running {
    let plan = home.plan(name, text);
    let mut running = Running::start(home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until(until);
    running
}

/// The act with `--dry-run`, which must leave the ledger as it was.
#[track_caller]
fn dry(home: &Home, act: &[&str]) -> Told {
    let before = home.ledger_size();
    let told = home.dvt(&[&["runs"], act, &["--dry-run"]].concat());
    assert_eq!(home.ledger_size(), before, "{act:?}: {told:#?}");
    told
}

/// The lines below the title.
#[track_caller]
fn lines(told: Told, title: &str) -> Vec<String> {
    let told = told.ends(0);
    let mut lines = told.out.lines();
    assert!(lines.next().unwrap().contains(title), "{told:#?}");
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_pause_and_a_resume_say_before_what_they_change() {
    let home = Home::new();
    let mut running = started(&home, "endless", ENDLESS, "\"StepStarted\"");
    let pause = lines(dry(&home, &["pause", "@latest"]), " would be paused");
    assert_eq!(pause, ["goes on: long", "nothing new starts until it is resumed", "the run is PAUSED then"]);
    let early = dry(&home, &["resume", "@latest", "--allow-host"]).ends(0);
    assert!(early.out.contains("refuses this if it works on the run already"), "{early:#?}");
    // Control: what is done is seen in the ledger.
    let before = home.ledger_size();
    home.dvt(&["runs", "pause", "@latest", "-m", "full"]).ends(0);
    assert!(home.ledger_size() > before);
    assert!(dry(&home, &["pause", "@latest"]).ends(6).err.contains("INVALID_STATE_TRANSITION"));
    let resume = lines(dry(&home, &["resume", "@latest"]), " would go on");
    assert_eq!(resume, ["goes on: long", "the run is RUNNING then"]);

    // Without an engine the command would go on with it itself: with somebody's word for programs.
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(dry(&home, &["resume", "@latest"]).ends(4).err.contains("SANDBOX_UNAVAILABLE"));
    let resume = dry(&home, &["resume", "@latest", "--allow-host", "--output", "json"]).ends(0).json();
    let told = ["dryRun", "requested", "startsAgain", "goesOn", "status"].map(|key| &resume[key]);
    let wanted = serde_json::json!([true, "RESUME", ["long"], [], "RUNNING"]);
    assert_eq!(serde_json::json!(told), wanted, "{resume}");
    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough", "--allow-host"]).ends(0);
    for act in ["pause", "resume"] {
        assert!(dry(&home, &[act, "@latest"]).ends(6).err.contains("RUN_TERMINAL"), "{act}");
    }
    home.dvt(&["audit", "verify"]).ends(0);
}

const GATE: &str = "apiVersion: dvt/v1
name: gate
steps:
  one: { uses: dvt/noop@1 }
  release: { needs: one, approval: { role: operator } }
  two: { needs: release, uses: dvt/noop@1 }
  delivered: { signal: delivered }
  count: { needs: delivered, uses: dvt/noop@1 }
";

/// What each act would do to a run that waits for a vote and a signal, and then what it does: the same.
#[test]
fn a_vote_a_signal_and_a_skip_say_before_what_they_change() {
    let home = Home::new();
    let mut running = started(&home, "gate", GATE, "\"stepId\":\"release\"");
    let allowed: [(&[&str], &str, &[&str]); 5] = [
        (
            &["approve", "@latest", "release"],
            "release of run_",
            &["succeeds: release", "starts then: two", "goes on: delivered", "the run is RUNNING then"],
        ),
        (
            &["reject", "@latest", "release"],
            " would be rejected",
            &["fails: release, delivered", "the run is FAILED then"],
        ),
        (
            &["signal", "@latest", "delivered", "-p", "3"],
            "delivered would be sent to run_",
            &["succeeds: delivered", "starts then: count", "goes on: release", "the run is RUNNING then"],
        ),
        (
            &["signal", "@latest", "other"],
            "other would be sent to run_",
            &[
                "goes on: delivered, release",
                "no step of the plan takes `other`, so it is kept and never taken; it waits for `delivered`",
                "the run is RUNNING then",
            ],
        ),
        (
            &["skip", "@latest", "two"],
            " would be left out",
            &["left out: two", "goes on: delivered, release", "the run is RUNNING then"],
        ),
    ];
    for (act, title, wanted) in allowed {
        assert_eq!(lines(dry(&home, act), title), wanted, "{act:?}");
    }
    let refused: [&[&str]; 7] = [
        &["approve", "@latest", "one", "-m", "x"],
        &["reject", "@latest", "absent", "-m", "x"],
        &["skip", "@latest", "release", "-m", "x"],
        &["skip", "@latest", "one", "-m", "x"],
        &["retry", "@latest", "one", "-m", "x"],
        &["retry", "@latest", "-m", "x"],
        &["signal", "@latest", "delivered", "-p", "{"],
    ];
    for act in refused {
        let foreseen = dry(&home, act);
        let done = home.dvt(&[&["runs"], act].concat());
        assert!(done.code != 0 && !done.err.is_empty(), "{done:#?}");
        let words = |told: &Told| (told.code, told.err.lines().next().map(ToOwned::to_owned));
        assert_eq!(words(&foreseen), words(&done), "{act:?}");
    }

    // An id that was used is known again.
    let send = |payload| ["signal", "@latest", "other", "-p", payload, "--signal-id", "dhl-7"];
    home.dvt(&[&["runs"], &send("3")[..]].concat()).ends(0);
    assert!(dry(&home, &send("3")).ends(0).out.contains("it was asked for before"));
    assert!(dry(&home, &send("4")).ends(6).err.contains("SIGNAL_DUPLICATE"));

    home.dvt(&["runs", "reject", "@latest", "release", "-m", "wrong figures"]).ends(0);
    running.until("\"RunFailed\"");
    running.end().ends(1);
    let run = home.dvt(&["runs", "get", "@latest", "--output", "json"]).ends(0).json();
    let steps = run["steps"].as_array().unwrap().iter();
    let failed = steps.filter(|step| step["status"] == "FAILED").map(|step| step["stepId"].as_str().unwrap());
    assert_eq!(failed.collect::<std::collections::BTreeSet<_>>(), ["delivered", "release"].into(), "{run}");
    for act in
        [&["approve", "@latest", "release"][..], &["skip", "@latest", "two"], &["signal", "@latest", "x"]]
    {
        assert!(dry(&home, act).ends(6).err.contains("RUN_TERMINAL"), "{act:?}");
    }
    home.dvt(&["audit", "verify"]).ends(0);
}

const HELD: &str = "apiVersion: dvt/v1
name: held
onStepFailure: hold
steps:
  first: { uses: dvt/noop@1 }
  load: { needs: first, run: ['false'] }
  after: { needs: load, uses: dvt/noop@1 }
";

#[test]
fn a_retry_says_before_what_it_does_again() {
    let home = Home::new();
    let running = started(&home, "held", HELD, "\"RunPaused\"");
    let retry = lines(dry(&home, &["retry", "@latest", "load"]), "load of run_");
    assert_eq!(retry, ["starts then: load", "the run is RUNNING then"]);
    let skip = lines(dry(&home, &["skip", "@latest", "load"]), "load of run_");
    assert_eq!(skip, ["left out: load", "starts then: after", "the run is COMPLETED then"]);
    let json = dry(&home, &["retry", "@latest", "load", "--output", "json"]).ends(0).json();
    let told = ["dryRun", "requested", "stepId", "starts"].map(|key| &json[key]);
    assert_eq!(serde_json::json!(told), serde_json::json!([true, "RETRY_STEP", "load", ["load"]]), "{json}");

    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough"]).ends(0);
    running.end().ends(3);
    assert!(dry(&home, &["retry", "@latest"]).ends(4).err.contains("SANDBOX_UNAVAILABLE"));
    let whole = |more: &[&str]| dry(&home, &[&["retry", "@latest", "--allow-host"], more].concat());
    let all_else = "all else runs again, in a new run; this one stays as it is";
    assert_eq!(lines(whole(&[]), " would be run again"), ["taken over: first", all_else]);
    assert_eq!(lines(whole(&["--from", "start"]), " would be run again"), [all_else]);
    let runs = home.dvt(&["runs", "list", "--output", "json"]).ends(0).out;
    assert_eq!(runs.matches("\"runId\"").count(), 1, "{runs}");
}
