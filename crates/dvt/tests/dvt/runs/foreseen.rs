//! `--dry-run` of the acts on a run: it says what the act then does, or refuses as the act does, and writes nothing.

use crate::home::{ENDLESS, Home, Running, Told};

fn started(home: &Home, name: &str, text: &str, until: &str) -> Running {
    let plan = home.plan(name, text);
    let mut running = Running::start(home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until(until);
    running
}

/// How many entries and events the ledger has. Looks are left out: that one looked at a run's status is entered once an hour.
fn ledger_size(home: &Home) -> i64 {
    let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    let ledger = rusqlite::Connection::open(shown["ledgerFile"].as_str().unwrap()).unwrap();
    let sum = "SELECT sum(count) FROM ledger_block WHERE kind <> 'reads'";
    ledger.query_row(sum, [], |row| row.get(0)).unwrap()
}

/// The act with `--dry-run`, which must leave the ledger as it was.
#[track_caller]
fn dry(home: &Home, act: &[&str]) -> Told {
    let before = ledger_size(home);
    let told = home.dvt(&[&["runs"], act, &["--dry-run"]].concat());
    assert_eq!(ledger_size(home), before, "{act:?}: {told:#?}");
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
    let before = ledger_size(&home);
    home.dvt(&["runs", "pause", "@latest", "-m", "full"]).ends(0);
    assert!(ledger_size(&home) > before);
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
