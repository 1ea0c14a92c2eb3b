//! Results as people, scripts and pipes get them: each verb gives JSON where JSON is asked for, ends with the code of the table, and
//! colours nothing that no terminal reads.

use crate::help::{examples, prepare, typed, walk};
use crate::home::{Home, Running, Told, repository};
use crate::results::{self, Given};
use serde_json::Value;
use std::collections::BTreeSet;

/// Verbs whose results are no data, and what they are. They print it whatever shape is asked for.
const TEXTS: &[(&str, &str)] = &[
    ("audit export", "lines of JSON, in the file that it names"),
    ("audit prove", "a proof in a form of its own"),
    ("completions", "a script for a shell"),
    ("engine", "it stays, and tells of itself beside its results"),
    ("man", "manual pages"),
];

fn home() -> Home {
    let home = Home::new();
    std::os::unix::fs::symlink(repository().join("examples"), home.path("examples")).unwrap();
    home
}

/// The verbs, without the nouns above them, and their first example.
fn verbs() -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&home(), &[], &mut found);
    let all: BTreeSet<String> = found.iter().map(|(words, _)| words.join(" ")).collect();
    let is_noun =
        |words: &str| words.is_empty() || all.iter().any(|other| other.starts_with(&format!("{words} ")));
    // What an act would do is looked at beside it; here it is done.
    let shown = |help: &str| {
        let mut all = examples(help);
        let place = all.iter().position(|example| !example.contains("--dry-run")).unwrap_or(0);
        all.remove(place)
    };
    let verbs = found.iter().map(|(words, help)| (words.join(" "), shown(help)));
    verbs.filter(|(words, _)| !is_noun(words)).collect()
}

/// The data that a shape gives, for a verb.
fn data_of(output: &str, words: &str, text: &str) -> Result<Vec<Value>, String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    if output == "json" {
        return Ok(vec![parse(text)?]);
    }
    let lines = text.lines().map(parse).collect::<Result<Vec<Value>, String>>()?;
    // Of an empty list there is no line.
    let may_be_empty = words.ends_with(" list");
    if lines.is_empty() && !may_be_empty { Err("nothing was printed".to_owned()) } else { Ok(lines) }
}

#[test]
fn every_verb_gives_data_where_data_is_asked_for() {
    let verbs = verbs();
    let unknown = TEXTS.iter().find(|(words, _)| !verbs.iter().any(|(verb, _)| verb == words));
    assert_eq!(unknown, None, "the list names a verb that is not there");
    let (mut faults, mut given) = (Vec::new(), Vec::new());
    let mut looked = 0;
    for output in ["json", "jsonl"] {
        let home = home();
        home.dvt(&["run", "examples/orders-etl/plan.yaml", "--allow-host", "--quiet"]).ends(0);
        for (words, example) in &verbs {
            if TEXTS.iter().any(|(known, _)| known == words) {
                continue;
            }
            if words.starts_with("data ") || words.starts_with("runs ") {
                home.dvt(&["run", "examples/orders-etl/plan.yaml", "--allow-host", "--quiet"]).ends(0);
            }
            let running = prepare(&home, example);
            let told = typed(&home, &format!("{example} --output {output}"));
            looked += 1;
            let data = data_of(output, words, &told.out).and_then(|data| {
                if told.code == 0 { Ok(data) } else { Err(format!("it ended with {}", told.code)) }
            });
            match data {
                Ok(data) => given.extend(data.into_iter().map(|data| Given::new(words, output, data))),
                Err(fault) => faults.push(format!("{example} --output {output}: {fault}: {told:#?}")),
            }
            if let Some(running) = running {
                home.dvt(&["runs", "cancel", "@latest", "-m", "the example is over"]);
                running.end();
            }
        }
        // Its example asks for runs of which there are none.
        let listed =
            data_of(output, "runs list", &home.dvt(&["runs", "list", "--output", output]).ends(0).out);
        given.extend(listed.unwrap().into_iter().map(|data| Given::new("runs list", output, data)));
    }
    println!("{looked} results of {} verbs, {} give no data", verbs.len(), TEXTS.len());
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    results::hold(&given, true);
}

const FAILS: &str = "apiVersion: dvt/v1\nname: fails\nsteps:\n  one: { run: ['false'] }\n";
const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  release: { approval: { role: operator } }\n";

/// One command for each code of `dvt --help` that a command can be brought to; the shape of results changes none of them.
#[test]
fn each_exit_code_is_met() {
    let home = home();
    let (fails, gate) = (home.plan("fails", FAILS), home.plan("gate", GATE));
    home.plan("broken", "apiVersion: dvt/v1\nname: broken\nsteps: 7\n");
    home.completed_run(&[]);
    let table: &[(&[&str], i32)] = &[
        (&["runs", "list"], 0),
        (&["run", &fails, "--allow-host"], 1),
        (&["lint", "broken.yaml"], 2),
        (&["runs", "get", "@latest", "--no-such-flag"], 2),
        (&["runs", "fly", "@latest"], 2),
        (&["runs", "cancel", "@latest"], 2),
        (&["runs", "get", "run_00000000-0000-4000-8000-000000000000"], 4),
        (&["run", &fails], 4),
        (&["plan", "get", "nobody"], 4),
        (&["runs", "cancel", "@latest", "-m", "too late"], 6),
        (&["runs", "resume", "@latest", "--allow-host"], 6),
    ];
    for output in ["table", "json", "jsonl"] {
        for (words, code) in table {
            home.dvt(&[words, &["--output", output][..]].concat()).ends(*code);
        }
        // Cancelled by somebody else, and seen by whoever follows it.
        let mut running = Running::start(&home, &["run", &gate, "--output", "jsonl"]);
        running.until("\"StepStarted\"");
        home.dvt(&["runs", "cancel", "@latest", "-m", "not today", "--output", output]).ends(0);
        running.end().ends(3);
    }
    // Waited for: as it ended, and no longer than somebody wants to.
    let wait = |patience: &str, code: i32| {
        let told = home.dvt(&["runs", "get", "@latest", "--wait", patience, "--output", "json"]).ends(code);
        assert_eq!(told.json()["status"], if code == 3 { "CANCELLED" } else { "RUNNING" }, "{told:#?}");
        told
    };
    wait("1ms", 3);
    home.dvt(&["runs", "get", "@latest", "--wait", "10"]).ends(2);
    let mut running = Running::start(&home, &["run", &gate, "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    assert!(wait("100ms", 7).err.contains("goes on"));
    let waiting = Running::start(&home, &["runs", "get", "@latest", "--wait", "1h", "--output", "json"]);
    home.dvt(&["runs", "cancel", "@latest", "-m", "not today"]).ends(0);
    assert_eq!(waiting.end().ends(3).json()["status"], "CANCELLED");
    running.end().ends(3);
    // An engine that goes takes the waiting with it: nothing would come any more.
    let mut running = Running::start(&home, &["run", &gate, "--output", "jsonl"]);
    running.until("\"StepStarted\"");
    let waiting = Running::start(&home, &["runs", "get", "@latest", "--wait", "1h", "--output", "json"]);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    assert_eq!(waiting.end().ends(5).json()["substatus"], "RECOVERING");
    // No engine, for the store cannot be opened.
    std::fs::rename(home.path("home/config/key"), home.path("key")).unwrap();
    home.dvt(&["runs", "list"]).ends(5);
}

/// What cannot be opened under its key is no state that we bring about: told with an id, its details in the log, and nothing of the
/// inside on the screen. Control: the same command before.
#[test]
fn a_state_that_cannot_be_ends_with_70() {
    let home = home();
    home.completed_run(&[]);
    let shown = home.dvt(&["config", "show", "--output", "json"]).ends(0).json();
    home.dvt(&["runs", "get", "@latest"]).ends(0);
    let ledger = rusqlite::Connection::open(shown["ledgerFile"].as_str().unwrap()).unwrap();
    ledger.execute_batch("DROP TRIGGER ledger_payload_fixed").unwrap();
    let changed = ledger.execute("UPDATE ledger_payload SET sealed = zeroblob(length(sealed))", []).unwrap();
    assert!(changed > 0);
    drop(ledger);
    for output in ["table", "json"] {
        let told = home.dvt(&["runs", "get", "@latest", "--output", output]).ends(70);
        is_told_with_an_id(&home, &told, "DECRYPT_FAILED");
    }
}

#[track_caller]
fn is_told_with_an_id(home: &Home, told: &Told, details: &str) {
    let id = told.err.split("a bug of ours, id ").nth(1).and_then(|rest| rest.split(':').next());
    let id = id.unwrap_or_else(|| panic!("{told:#?}"));
    assert!(told.err.contains("error[INTERNAL]") && !told.err.contains("src/"), "{told:#?}");
    let log = std::fs::read_to_string(home.path("home/data/internal.log")).unwrap_or_default();
    let line = log.lines().find(|line| line.contains(id));
    let said = line.map_or(told.err.as_str(), |line| line);
    assert!(said.contains(details), "{told:#?}\n{log}");
}

/// A panic ends with 70, also one beside a command that did what it was asked.
#[cfg(feature = "crash-points")]
#[test]
fn a_bug_ends_with_70_wherever_it_is() {
    let home = home();
    let told = home.dvt(&["__bug"]).ends(70);
    assert!(told.out.is_empty() && told.err.contains("a bug in the command"), "{told:#?}");
    let told = home.dvt(&["__bug", "--beside"]).ends(70);
    assert_eq!(told.out, "done\n", "{told:#?}");
    assert!(told.err.contains("a bug of ours, id ") && told.err.contains("a bug beside the command"));
}

/// Errors are beside the results, and are one JSON value where results are JSON.
#[test]
fn refusals_never_stand_among_results() {
    let home = home();
    home.completed_run(&[]);
    for words in [
        &["runs", "get", "@latest", "nobody"][..],
        &["plan", "get", "nobody"],
        &["runs", "cancel", "@latest", "-m", "x"],
    ] {
        let people = home.dvt(words);
        assert!(people.code > 0 && people.out.is_empty() && people.err.contains("error"), "{people:#?}");
    }
    for output in ["json", "jsonl"] {
        let told = home.dvt(&["plan", "get", "nobody", "--output", output]).ends(4);
        let error: Value =
            serde_json::from_str(&told.err).unwrap_or_else(|error| panic!("{error}: {told:#?}"));
        assert_eq!((told.out.as_str(), &error["code"]), ("", &"NOT_FOUND".into()));
    }
}

/// No escape sequence reaches a pipe, whatever the environment says of colours and width; nor does a result depend on it.
#[test]
fn a_pipe_gets_plain_lines() {
    let home = home();
    home.dvt(&["run", "examples/orders-etl/plan.yaml", "--allow-host", "--quiet"]).ends(0);
    for words in [
        &["runs", "list"][..],
        &["runs", "get", "@latest"],
        &["runs", "why", "@latest"],
        &["runs", "events", "@latest"],
        &["runs", "logs", "@latest"],
        &["audit", "verify"],
        &["doctor"],
        &["data", "retention", "list"],
        &["plan", "list", "--all"],
        &["--help"],
    ] {
        let mut told = Vec::new();
        for more in [
            &[][..],
            &[("NO_COLOR", "1")],
            &[("TERM", "xterm-256color"), ("COLUMNS", "40")],
            &[("CLICOLOR_FORCE", "1")],
        ] {
            let mut command = home.command(words);
            command.envs(more.iter().copied());
            let output = command.output().unwrap();
            let (out, err) =
                (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
            assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{words:?} {more:?}: {out}{err}");
            told.push(out.lines().count());
        }
        assert!(told[0] > 0, "{words:?}");
    }
}
