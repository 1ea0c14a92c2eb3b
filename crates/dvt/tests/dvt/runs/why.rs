//! Reasons of real runs, asked for from another process.

use crate::home::{Home, Running};

const HELD: &str = "apiVersion: dvt/v1\nname: held\ninputs: { all: { type: boolean, default: false } }\nsteps:\n  fetch: { script: exit 75, retry: { max: 3, initial: 10m, ceiling: 20m, jitter: none, on: [transient] } }\n  gate: { approval: { role: operator } }\n  load: { needs: [fetch, gate], uses: dvt/noop@1 }\n  extra: { if: inputs.all, uses: dvt/noop@1 }\n  after: { needs: extra, uses: dvt/noop@1 }\n";

#[test]
fn every_state_has_a_reason_that_can_be_asked_for() {
    let home = Home::new();
    let plan = home.plan("held", HELD);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepFailed\"");
    let why = |more: &[&str]| home.dvt(&[&["runs", "why", "@latest"], more].concat()).ends(0).out;
    let load = why(&["load"]);
    let lines: Vec<&str> = load.lines().collect();
    assert_eq!(lines[0], "load waits for fetch and gate");
    assert!(load.contains("fetch waits: attempt 1 failed: exit 75, again at "), "{load}");
    assert!(load.contains("(retry 1 of 3, exponential, 10 min … "), "{load}");
    assert!(
        load.contains("gate waits for approval by 1 person with the role operator: 0 given, until "),
        "{load}"
    );
    let command = lines.iter().find(|line| line.contains("dvt runs approve run_")).unwrap().trim();
    let words: Vec<&str> = command.strip_prefix("dvt ").unwrap().split(' ').collect();
    home.dvt(&words).ends(0);
    assert_eq!(why(&["load"]).lines().next().unwrap(), "load waits for fetch");
    assert!(why(&["gate"]).starts_with("gate completed in "));
    assert_eq!(
        why(&["after"]),
        "after was left out: extra was left out\n  extra was left out: its condition `inputs.all` was false\n"
    );
    let whole = home.dvt(&["runs", "why", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(
        (&whole["reason"], &whole["because"][0]["reason"]),
        (&"RUNS".into(), &"WAITS_FOR_RETRY".into()),
        "{whole}"
    );
    let told = home.dvt(&["runs", "why", "@latest", "laod"]).ends(2);
    assert!(told.err.contains("no step `laod`") && told.err.contains("load"), "{told:#?}");

    home.dvt(&["runs", "pause", "@latest", "-m", "not now"]).ends(0);
    running.until("\"RunPaused\"");
    assert!(why(&[]).contains("is paused by an operator\n  dvt runs resume run_"), "{}", why(&[]));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert!(why(&[]).contains("rests: no engine works on it\n  dvt runs resume run_"), "{}", why(&[]));
    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough"]);
    assert!(why(&[]).contains("was cancelled by an operator"), "{}", why(&[]));
}

#[test]
fn a_failure_names_what_failed_and_what_never_started() {
    let home = Home::new();
    let plan = home.plan("bad", "apiVersion: dvt/v1\nname: bad\nsteps:\n  break: { script: exit 3 }\n  load: { needs: break, uses: dvt/noop@1 }\n");
    home.dvt(&["run", &plan, "--allow-host", "--quiet"]).ends(1);
    let whole = home.dvt(&["runs", "why", "@latest"]).ends(0).out;
    assert!(whole.contains("failed because break failed\n"), "{whole}");
    assert!(whole.contains("break failed: exit 3; the step has no `retry`\n"), "{whole}");
    let load = home.dvt(&["runs", "why", "@latest", "load"]).ends(0).out;
    assert!(
        load.starts_with("load was not started: break failed, and after a failed step nothing new starts\n"),
        "{load}"
    );
}

const ITEMS: &str = "apiVersion: dvt/v1
name: regions
inputs: { slow: { type: string, default: apac } }
steps:
  transform:
    foreach: ['eu', 'us', 'apac']
    script: '[ \"$REGION\" != \"$SLOW\" ] || exit 75'
    env: { REGION: '${{ item }}', SLOW: '${{ inputs.slow }}' }
    retry: { max: 3, initial: 10m, ceiling: 20m, jitter: none, on: [transient] }
  load: { needs: transform, uses: dvt/noop@1 }
";

/// Items are named as people know them, and asked for by that name; where one waits, the step's own line gives way to it.
#[test]
fn an_item_has_the_name_of_its_value() {
    let home = Home::new();
    let plan = home.plan("regions", ITEMS);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepFailed\"");
    let why = |more: &[&str]| home.dvt(&[&["runs", "why", "@latest"], more].concat()).ends(0).out;
    // Its siblings end about now; they are asked for until they have.
    let mut load = why(&["load"]);
    while !load.contains("2 of 3") {
        load = why(&["load"]);
    }
    let lines: Vec<&str> = load.lines().collect();
    assert_eq!(lines[0], "load waits for transform (2 of 3 items done)", "{load}");
    assert!(lines[1].starts_with("  transform[apac] waits: attempt 1 failed: exit 75, again at "), "{load}");
    assert!(why(&["transform[eu]"]).starts_with("transform[eu] completed in "));
    assert_eq!(why(&["transform[apac]"]), why(&["transform.2"]));
    let told = home.dvt(&["runs", "why", "@latest", "--output", "json"]).ends(0).json();
    assert_eq!(told["because"][0]["stepId"], "transform.2", "ids stay what they are: {told}");
    // By that name in every verb; what nobody has is refused by each.
    let events = home.dvt(&["runs", "events", "@latest", "--step", "transform[apac]"]).ends(0).out;
    assert!(
        events.lines().count() >= 2 && events.lines().all(|line| line.contains("transform[apac]")),
        "{events}"
    );
    assert!(
        home.dvt(&["runs", "events", "@latest", "--step", "trasnform"])
            .ends(2)
            .err
            .contains("--step transform")
    );
    assert!(home.dvt(&["runs", "why", "@latest", "transform[mars]"]).ends(2).err.contains("no step"));
    home.dvt(&["runs", "cancel", "@latest", "-m", "seen enough"]).ends(0);
    running.end().ends(3);
}

/// An item that fails is what is shown: its name, its last words; and how the run is done again. What is undone and what runs at the
/// end say so meanwhile.
#[test]
fn a_failed_item_is_named_with_what_it_printed() {
    let home = Home::new();
    let text = "apiVersion: dvt/v1
name: items
steps:
  before: { uses: dvt/noop@1 }
  each:
    needs: before
    foreach: ['eu', 'us']
    script: |
      echo hello $REGION
      [ $REGION = eu ] || exit 4
    env: { REGION: '${{ item }}' }
    compensate: { script: 'until [ -e @GATE@ ]; do sleep 0.05; done' }
finally:
  tell: { uses: dvt/noop@1 }
";
    let plan = home.plan("items", &text.replace("@GATE@", &home.path("gate").display().to_string()));
    let mut running = Running::start(&home, &["run", &plan, "--allow-host"]);
    running.until("each[eu].compensate started");
    let why = |more: &[&str]| home.dvt(&[&["runs", "why", "@latest"], more].concat()).ends(0).out;
    assert!(
        why(&["tell"]).starts_with("tell is ready") || why(&["tell"]).starts_with("tell waits for the end: ")
    );
    let whole = why(&[]);
    assert!(whole.contains("  each[eu].compensate runs since ") && !whole.contains("tell"), "{whole}");
    let shown = home.dvt(&["runs", "get", "@latest"]).ends(0).out;
    assert!(
        shown.contains("  ✗ each    ") && shown.contains("1/2 items  us ✗ exit 4  being undone"),
        "{shown}"
    );
    assert!(shown.contains("  · tell    at the end"), "{shown}");
    std::fs::write(home.path("gate"), "").unwrap();
    let told = running.end().ends(1);
    assert!(told.err.contains("failed[STEP_ERROR]: step each[us]: "), "{told:#?}");
    assert!(told.err.contains("  │ hello us\n") && !told.err.contains("hello eu"), "{told:#?}");
    let command = told.err.lines().find(|line| line.contains("dvt runs retry run_")).unwrap();
    assert!(command.contains(" -m \"…\" --allow-host   reuses 1 of 3 steps"), "{command}");
    let logs = home.dvt(&["runs", "logs", "@latest", "--step", "each"]).ends(0).out;
    assert!(logs.contains("each[us] │ hello us\n"), "{logs}");
    assert_eq!(home.dvt(&["runs", "logs", "@latest", "--step", "each[us]"]).ends(0).out, "hello us\n");
    assert_eq!(home.dvt(&["runs", "logs", "@latest", "--step", "each.1"]).ends(0).out, "hello us\n");
}
