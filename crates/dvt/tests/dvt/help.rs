//! Every verb's `--help` begins with one sentence and an example, and the example works.

use crate::home::{ENDLESS, Home, Running, Told, repository};
use std::path::Path;

/// The verbs that a help text lists, hidden ones aside.
fn verbs(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let rows = listed.take_while(|line| !line.is_empty());
    rows.filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|verb| !verb.is_empty() && *verb != "help")
        .map(ToOwned::to_owned)
        .collect()
}

/// All words that have a help text, nouns before their verbs.
pub(crate) fn walk(home: &Home, words: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = home.dvt(&arguments).ends(0).out;
    let below = verbs(&help);
    found.push((words.to_vec(), help));
    for verb in below {
        walk(home, &[words, &[verb]].concat(), found);
    }
}

/// Lines under `Example:`.
pub(crate) fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Example:").skip(1);
    lines.take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
}

const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  release: { approval: { role: operator } }\n";
const HELD: &str =
    "apiVersion: dvt/v1\nname: held\nonStepFailure: hold\nsteps:\n  load: { run: ['false'] }\n";

/// What the example of a verb needs beside a completed run of `orders-etl`.
pub(crate) fn prepare(home: &Home, example: &str) -> Option<Running> {
    let start = |name: &str, text: &str, until: &str| {
        let plan = home.plan(name, text);
        let mut running = Running::start(home, &["run", &plan, "--allow-host", "--output", "jsonl"]);
        running.until(until);
        Some(running)
    };
    match example.split(' ').nth(2).filter(|_| example.starts_with("dvt runs ")) {
        Some("cancel" | "pause" | "signal" | "stop") => return start("endless", ENDLESS, "\"StepStarted\""),
        Some("approve" | "reject") => return start("gate", GATE, "\"StepStarted\""),
        Some("skip" | "retry") => return start("held", HELD, "\"RunPaused\""),
        _ => {}
    }
    if example.starts_with("dvt runs resume") {
        // One that can end: its gate is open by the time it goes on.
        let gated = home.plan(
            "gated",
            "apiVersion: dvt/v1\nname: gated\nsteps:\n  wait:\n    script: |\n      until [ -e '@GATE@' ]; do sleep 0.05; done\n"
                .replace("@GATE@", &home.path("gate").display().to_string())
                .as_str(),
        );
        let mut running = Running::start(home, &["run", &gated, "--allow-host", "--output", "jsonl"]);
        running.until("\"StepStarted\"");
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        std::fs::write(home.path("gate"), "").unwrap();
    }
    if example.starts_with("dvt data hold release") {
        home.dvt(&["data", "hold", "place", "@latest", "-m", "case 7"]).ends(0);
    }
    // A look at it leaves what was lost lost.
    if example.starts_with("dvt store restore") && home.path("home/data").exists() {
        std::fs::remove_file(home.path("monday.backup")).unwrap();
        home.dvt(&["store", "backup", "monday.backup"]).ends(0);
        std::fs::rename(home.path("home/data"), home.path("lost")).unwrap();
    }
    if example.contains("--ledger") {
        let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
        std::fs::copy(shown["ledgerFile"].as_str().unwrap(), home.path("ledger.db")).unwrap();
        std::fs::copy(home.path("home/config/profile.vkey"), home.path("profile.vkey")).unwrap();
    }
    None
}

/// Runs an example as a shell would.
pub(crate) fn typed(home: &Home, example: &str) -> Told {
    // It ends when it is told to.
    let told = example.replace("dvt engine", "timeout --preserve-status 2 dvt engine");
    let example = told.as_str();
    let binary = Path::new(env!("CARGO_BIN_EXE_dvt")).parent().unwrap().display().to_string();
    home.shell(example, &format!("{binary}:/usr/bin:/bin"))
}

#[test]
fn every_help_begins_with_a_sentence_and_an_example_that_works() {
    let home = Home::new();
    std::os::unix::fs::symlink(repository().join("examples"), home.path("examples")).unwrap();
    let mut found = Vec::new();
    walk(&home, &[], &mut found);
    assert!(found.len() >= 13, "the walk found {} help texts", found.len());
    for (words, help) in found {
        let words = words.join(" ");
        let mut lines = help.lines();
        let sentence = lines.next().unwrap();
        assert!(sentence.ends_with('.') && sentence.matches(". ").count() == 0, "{words}: {sentence}");
        assert_eq!((lines.next(), lines.next()), (Some(""), Some("Example:")), "{words}");
        let examples = examples(&help);
        assert!(!examples.is_empty(), "{words}");
        for example in examples {
            assert!(example.starts_with("dvt ") && example.contains(&words), "{words}: {example}");
            if ["runs", "data", "access"].iter().any(|noun| words.starts_with(noun)) {
                home.dvt(&["run", "examples/orders-etl/plan.yaml", "--allow-host", "--quiet"]).ends(0);
            }
            let running = prepare(&home, &example);
            typed(&home, &example).ends(0);
            if let Some(running) = running {
                // Whatever the act left of it.
                home.dvt(&["runs", "cancel", "@latest", "-m", "the example is over"]);
                running.end();
            }
        }
    }
}
