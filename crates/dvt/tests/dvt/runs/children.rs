//! Sub-plans with real processes: outputs, failures, a cancel that reaches down, and a kill between parent and child.

use crate::home::{Home, Running};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Command;

fn parent(home: &Home) -> String {
    home.plan(
        "parent",
        "apiVersion: dvt/v1\nname: parent\nsteps:\n  sub: { plan: ./child.yaml, with: { n: 20 } }\n  after:\n    needs: sub\n    uses: dvt/noop@1\n    with: { output: '${{ steps.sub.output.twice + 2 }}' }\noutputs: { all: '${{ steps.after.output }}' }\n",
    )
}

/// The child waits for a file, in a program, so that it can be killed and cancelled while it runs.
fn child(home: &Home, more: &str) {
    let gate = home.path("gate").display().to_string();
    let witness = home.path("witness").display().to_string();
    let bell = home.path("bell").display().to_string();
    home.plan(
        "child",
        &format!(
            "apiVersion: dvt/v1\nname: child\ninputs: {{ n: {{ type: integer }} }}\nsteps:\n  first: {{ uses: dvt/noop@1, with: {{ output: '${{{{ inputs.n * 2 }}}}' }} }}\n  second:\n    needs: first\n    script: |\n      echo begun >> '{witness}'\n      echo begun >> '{bell}'\n      until [ -e '{gate}' ]; do sleep 0.05; done\n      {more}\n      echo done >> '{witness}'\n    timeout: 1m\noutputs: {{ twice: '${{{{ steps.first.output }}}}' }}\n"
        ),
    );
}

/// A pipe in which the child's program says that it runs.
struct Bell(BufReader<File>);

impl Bell {
    fn hung(home: &Home) -> Self {
        let path = home.path("bell");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Open at both ends: nobody who writes waits for us, and we wait for whoever writes.
        Self(BufReader::new(File::options().read(true).write(true).open(path).unwrap()))
    }

    fn rings(&mut self) {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert_eq!(line, "begun\n");
    }
}

fn runs(home: &Home) -> Vec<Value> {
    let told = home.dvt(&["runs", "list", "--output", "json"]).ends(0).json();
    told["runs"].as_array().unwrap().clone()
}

/// The run of this plan; there is one.
#[track_caller]
fn only(home: &Home, plan: &str) -> Value {
    let all = runs(home);
    let mut found: Vec<&Value> = all.iter().filter(|run| run["planName"] == plan).collect();
    assert_eq!(found.len(), 1, "{all:#?}");
    found.remove(0).clone()
}

fn witnessed(home: &Home, word: &str) -> usize {
    std::fs::read_to_string(home.path("witness"))
        .unwrap_or_default()
        .lines()
        .filter(|line| *line == word)
        .count()
}

#[test]
fn the_outputs_of_a_sub_plan_are_those_of_its_step() {
    let home = Home::new();
    child(&home, ":");
    std::fs::write(home.path("gate"), "").unwrap();
    let plan = parent(&home);
    // The owner's word is asked for what lies below, too.
    home.dvt(&["run", &plan]).ends(4);
    let run = home.dvt(&["run", &plan, "--allow-host", "--output", "json"]).ends(0).json();
    assert_eq!(run["outputs"]["all"], 42, "{run:#}");
    assert_eq!(run["steps"]["sub"]["output"]["twice"], 40);
    assert_eq!(only(&home, "child")["status"], "COMPLETED");
    home.dvt(&["audit", "verify"]).ends(0);
}

#[test]
fn the_failure_of_a_sub_plan_is_that_of_its_step() {
    let home = Home::new();
    child(&home, "exit 3");
    std::fs::write(home.path("gate"), "").unwrap();
    let plan = parent(&home);
    let run = home.dvt(&["run", &plan, "--allow-host", "--output", "json"]).ends(1).json();
    assert_eq!(
        (&run["status"], &run["steps"]["sub"]["status"]),
        (&"FAILED".into(), &"FAILED".into()),
        "{run:#}"
    );
    assert_eq!(only(&home, "child")["status"], "FAILED");
    assert_eq!(witnessed(&home, "done"), 0);
    home.dvt(&["audit", "verify"]).ends(0);
}

#[test]
fn a_cancel_reaches_down() {
    let home = Home::new();
    child(&home, ":");
    let plan = parent(&home);
    let mut bell = Bell::hung(&home);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    bell.rings();
    // The latest run is the one that somebody started.
    home.dvt(&["runs", "cancel", "@latest", "-m", "wrong month"]).ends(0);
    running.until("\"RunCancelled\"");
    running.end().ends(3);
    // The process that ran both ended only when the child had ended, too.
    assert_eq!(only(&home, "child")["status"], "CANCELLED");
    assert_eq!(witnessed(&home, "done"), 0);
    home.dvt(&["audit", "verify"]).ends(0);
}

/// INV-29: the parent finds its child by the id that it minted; there is no second one, and nothing runs twice to its end.
#[test]
fn a_killed_parent_finds_its_child_again() {
    let home = Home::new();
    child(&home, ":");
    let plan = parent(&home);
    let mut bell = Bell::hung(&home);
    let mut running = Running::start(&home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    bell.rings();
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let before = only(&home, "child")["runId"].clone();
    let id = only(&home, "parent")["runId"].as_str().unwrap().to_owned();
    std::fs::write(home.path("gate"), "").unwrap();
    let resumed = home.dvt(&["runs", "resume", &id, "--allow-host", "--output", "json"]).ends(0).json();
    assert_eq!(resumed["outputs"]["all"], 42, "{resumed:#}");
    let after = only(&home, "child");
    assert_eq!((&after["runId"], &after["status"]), (&before, &"COMPLETED".into()));
    assert_eq!((witnessed(&home, "begun"), witnessed(&home, "done")), (2, 1));
    home.dvt(&["audit", "verify"]).ends(0);
}
