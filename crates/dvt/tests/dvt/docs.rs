//! Every command in the documents works: those of `sh` blocks run in their order, in a fresh home for each document, and those that
//! stand in a sentence run beside runs that are there. What is not run stands in a list with its reason, and is counted.

use crate::home::{Home, Running, Told, repository};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How a document spells a command that builds first.
const BUILDS: &str = "cargo run --release -p dvt -- ";

/// Blocks that are not run here, and why.
const NOT_RUN: &[(&str, &str)] = &[("cargo xtask test", "it is what runs this test")];

/// How a command ends, where that is not with 0.
const ENDS: &[(&str, i32)] = &[
    // The run fails, as its page says.
    ("dvt run examples/trip/plan.yaml --allow-host", 1),
    // What it names has ended: the page is about a run that has not.
    ("dvt runs cancel @latest -m 'wrong input file'", 6),
    ("dvt runs resume @latest", 6),
    ("dvt runs resume ID", 6),
    ("dvt runs skip @latest release -m \"no time\"", 6),
    // Programs need the owner's word, which the sentence speaks of.
    ("dvt run FILE", 4),
];

/// Runs that wait for somebody, and what they print when they do.
const WAITS: &[(&str, &str)] =
    &[("examples/release-gate/plan.yaml", "release"), ("examples/parcel/plan.yaml", "StepStarted")];

/// What stands for words that whoever reads replaces.
const INSTEAD: &[(&str, &str, &str)] = &[
    ("dvt lint ", "FILE", "examples/orders-etl/plan.yaml"),
    ("dvt run ", "FILE", "examples/orders-etl/plan.yaml"),
    ("dvt store backup ", "FILE", "friday.backup"),
    ("dvt store restore ", "FILE", "friday.backup"),
    ("dvt plan test ", "FILE…", "examples/trip"),
    ("dvt runs ", "ID", "@latest"),
    ("dvt explain ", "CODE", "RUN_TERMINAL"),
    ("dvt explain ", "DVT-P…", "DVT-P012"),
    ("dvt __complete ", "WORD…", "runs"),
];

/// Spans that are no commands of their own, and why.
const NOT_A_COMMAND: &[(&str, &str)] = &[
    ("dvt engine", "it stays until it is told to end; its help's example is run with a limit of time"),
    ("dvt engine --detached", "an engine that a command starts for itself; hidden"),
    ("dvt store restore FILE", "it takes the place of what is there; its help's example is run"),
];

/// A command, and the document that it stands in.
type Found = BTreeMap<String, PathBuf>;

fn documents() -> Vec<PathBuf> {
    let mut found = vec![repository().join("README.md")];
    let mut open = vec![repository().join("docs"), repository().join("examples")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lines of `sh` blocks, and the spans of sentences that begin with `dvt `.
fn commands(text: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut blocks, mut spans, mut fence) = (Vec::new(), BTreeSet::new(), None);
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language.to_owned()) };
            continue;
        }
        match fence.as_deref() {
            Some("sh") if !line.trim().is_empty() => blocks.push(line.trim().to_owned()),
            Some(_) => {}
            None => spans.extend(
                line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("dvt ")).map(str::to_owned),
            ),
        }
    }
    (blocks, spans)
}

fn fresh() -> Home {
    let home = Home::new();
    std::os::unix::fs::symlink(repository().join("examples"), home.path("examples")).unwrap();
    home
}

fn typed(home: &Home, command: &str) -> Told {
    let binary = Path::new(env!("CARGO_BIN_EXE_dvt")).parent().unwrap().display().to_string();
    home.shell(command, &format!("{binary}:/usr/bin:/bin"))
}

fn code(command: &str) -> i32 {
    ENDS.iter().find(|(known, _)| *known == command).map_or(0, |(_, code)| *code)
}

/// Plays a document's blocks; gives how many commands ran.
fn play(document: &Path, blocks: &[String]) -> usize {
    let home = fresh();
    let (mut played, mut waiting): (usize, Option<Running>) = (0, None);
    for block in blocks {
        if NOT_RUN.iter().any(|(known, _)| known == block) {
            continue;
        }
        let command = block.strip_prefix(BUILDS).map_or(block.clone(), |rest| format!("dvt {rest}"));
        assert!(command.starts_with("dvt "), "{}: `{command}` is no command of ours", document.display());
        played += 1;
        if let Some((_, until)) = WAITS.iter().find(|(plan, _)| command.contains(plan)) {
            let words: Vec<&str> = command.split(' ').skip(1).chain(["--output", "jsonl"]).collect();
            let mut running = Running::start(&home, &words);
            running.until(until);
            waiting = Some(running);
            continue;
        }
        let told = typed(&home, &command);
        assert_eq!(told.code, code(&command), "{}: `{command}`: {told:#?}", document.display());
    }
    if let Some(running) = waiting {
        running.end().ends(0);
    }
    played
}

#[test]
fn every_block_of_the_documents_works() {
    let (mut played, mut of) = (0, 0);
    for document in documents() {
        let (blocks, _) = commands(&std::fs::read_to_string(&document).unwrap());
        if !blocks.is_empty() {
            played += play(&document, &blocks);
            of += 1;
        }
    }
    println!("{played} commands of {of} documents; {} are not run", NOT_RUN.len());
    assert!(played >= 15, "only {played} commands were found");
}

/// Whether a span only names a verb and its flags: what is looked for is then in the help.
fn mention(home: &Home, span: &str) -> bool {
    let (flags, words): (Vec<&str>, Vec<&str>) =
        span.split(' ').skip(1).partition(|word| word.starts_with("--"));
    if words.iter().any(|word| !word.bytes().all(|byte| byte.is_ascii_lowercase())) {
        return false;
    }
    let help = home.dvt(&[&words[..], &["--help"]].concat());
    let says = help.code == 0 && flags.iter().all(|flag| help.out.contains(flag));
    // A whole command is run; a verb that wants more than its name, or the name of a flag, is not.
    says && (!flags.is_empty() || home.dvt(&words).code == 2)
}

#[test]
fn every_command_in_a_sentence_works() {
    let mut found = Found::new();
    for document in documents() {
        let (_, spans) = commands(&std::fs::read_to_string(&document).unwrap());
        found.extend(spans.into_iter().map(|span| (span, document.clone())));
    }
    let home = fresh();
    for plan in ["packages", "orders-etl"] {
        home.dvt(&["run", &format!("examples/{plan}/plan.yaml"), "--allow-host", "--quiet"]).ends(0);
    }
    let (mut ran, mut mentioned, mut left) = (0, 0, 0);
    for (span, document) in &found {
        if NOT_A_COMMAND.iter().any(|(known, _)| known == span) {
            left += 1;
            continue;
        }
        if span.contains("--step build") {
            home.dvt(&["run", "examples/packages/plan.yaml", "--allow-host", "--quiet"]).ends(0);
        } else if span.contains("--step") || span.contains("@latest") {
            home.dvt(&["run", "examples/orders-etl/plan.yaml", "--allow-host", "--quiet"]).ends(0);
        }
        let put = INSTEAD.iter().filter(|(verb, ..)| span.starts_with(verb));
        let command = put.fold(span.clone(), |command, (_, word, with)| command.replace(word, with));
        if command == *span && mention(&home, span) {
            mentioned += 1;
            continue;
        }
        let told = typed(&home, &command);
        assert_eq!(told.code, code(span), "{}: `{command}`: {told:#?}", document.display());
        ran += 1;
    }
    println!("{ran} commands ran, {mentioned} name a verb, {left} are left out with a reason");
    assert!(ran >= 15 && mentioned >= 5, "{ran} ran, {mentioned} name a verb");
}
