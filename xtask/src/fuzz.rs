//! `cargo xtask fuzz`: coverage-guided fuzzing of every reader of foreign text, two targets at a time.
//!
//! What is kept (`fuzz/corpus`), what once failed (`fuzz/regressions`) and the seeds are replayed, then each target gets its
//! seconds of the processor. A panic, a text that takes too long, an overflow or a crash fails, and its text is named.
//! `--planted` is the control: a fault behind a magic value must be found, in every target. `--distill` writes the fewest texts
//! that pass every edge which was met to `fuzz/corpus`.

use crate::process::{self, GATE, GATE_FEATURES, Outcome, cargo, flag, known, number};
use crate::tree;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Seconds of the processor for each target in the gate.
pub(crate) const GATE_SECONDS: u64 = 20;
/// Seconds within which the planted fault is found.
const PLANTED_SECONDS: u64 = 20;

/// Targets of which two must meet their planted fault in the gate: asked one after the other, until two did.
const CONTROLS: [&str; 5] = ["wfcommons", "scrub", "argo", "dbt", "github"];

/// The target of which a campaign is repeated, and how far.
const REPEATED: &str = "argo";
const REPEATED_EXECUTIONS: u64 = 1_500;

/// What one campaign did.
pub(crate) struct Told {
    pub(crate) target: String,
    /// The line that it printed.
    pub(crate) figures: Value,
}

/// How long each target is asked.
#[derive(Clone, Copy)]
pub(crate) enum Length {
    /// Seconds of the processor.
    Seconds(u64),
    /// Executions: the same seed then makes the same campaign, where addresses can be held still.
    Executions(u64),
}

/// How the campaigns are run.
pub(crate) struct Campaign {
    pub(crate) length: Length,
    pub(crate) seed: u64,
    /// Where the texts of earlier campaigns lie; without it nothing is kept.
    pub(crate) kept: Option<PathBuf>,
    /// Whether the corpus of the repository is written anew.
    pub(crate) distills: bool,
    pub(crate) only: Option<String>,
}

impl Campaign {
    /// All targets, nothing kept.
    fn of_gate() -> Self {
        let length = Length::Seconds(GATE_SECONDS);
        Self { length, seed: 1, kept: None, distills: false, only: None }
    }
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (only, rest) = target_of(arguments)?;
    known(&rest, &["--seconds", "--seed", "--planted", "--keep", "--distill", "--slice", "--executions"])?;
    if flag(&rest, "--slice") {
        return slice();
    }
    let seed = number(&rest, "--seed", 1)?;
    if flag(&rest, "--planted") {
        return planted(seed, only.as_deref());
    }
    let kept = flag(&rest, "--keep").then(folder);
    let length = match number(&rest, "--executions", 0)? {
        0 => Length::Seconds(number(&rest, "--seconds", GATE_SECONDS)?),
        executions => Length::Executions(executions),
    };
    campaigns(&Campaign { length, seed, kept, distills: flag(&rest, "--distill"), only })
}

/// The target that is named alone, and the other arguments.
fn target_of(arguments: &[String]) -> Result<(Option<String>, Vec<String>), String> {
    match arguments.split_first() {
        Some((first, rest)) if !first.starts_with('-') => Ok((Some(first.clone()), rest.to_vec())),
        _ => Ok((None, arguments.to_vec())),
    }
}

/// The stage of the gate: all targets, whether a campaign repeats itself, and the control in those that meet it steadily. A
/// control that is missed by chance would refuse a change that is sound, so two of the five are enough.
pub(crate) fn slice() -> Outcome {
    campaigns(&Campaign::of_gate())?;
    repeats()?;
    let mut missed = Vec::new();
    for (asked, target) in CONTROLS.iter().enumerate() {
        missed.extend(planted(1, Some(target)).err());
        if asked + 1 >= missed.len() + 2 {
            return Ok(());
        }
    }
    Err(missed.join("\n"))
}

/// Runs the campaigns and prints what each did; one that failed fails all.
fn campaigns(campaign: &Campaign) -> Outcome {
    let (_, failed) = each(campaign)?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Runs the campaigns, prints what each did, and gives those that found nothing and what the others found.
pub(crate) fn each(campaign: &Campaign) -> Result<(Vec<Told>, Vec<String>), String> {
    let program = build()?;
    let told = all(&program, campaign, &[])?;
    println!("fuzz: target      executions  replayed   edges  features    texts  slowest ms  CPU s");
    let (mut told, failed): (Vec<_>, Vec<_>) = told.into_iter().partition(Result::is_ok);
    let mut found = Vec::new();
    for one in told.drain(..).flatten() {
        print(&one);
        found.push(one);
    }
    Ok((found, failed.into_iter().filter_map(Result::err).collect()))
}

fn print(told: &Told) {
    let figure = |name: &str| told.figures.get(name).and_then(Value::as_u64).unwrap_or_default();
    println!(
        "fuzz: {:<11} {:>10} {:>9} {:>7} {:>9} {:>8} {:>11} {:>6}",
        told.target,
        figure("executions"),
        figure("replayed"),
        figure("edges"),
        figure("features"),
        figure("texts"),
        figure("slowestMs"),
        figure("cpuSeconds")
    );
}

/// The control: each target, or the one that is named, must find the planted fault.
fn planted(seed: u64, only: Option<&str>) -> Outcome {
    let program = build()?;
    let only = only.map(str::to_owned);
    let length = Length::Seconds(PLANTED_SECONDS);
    let campaign = Campaign { length, seed, only, ..Campaign::of_gate() };
    let mut missed = Vec::new();
    for told in all(&program, &campaign, &["--planted"])? {
        match told {
            Ok(told) => missed.push(told.target),
            Err(message) if message.contains("the planted fault") => {
                let first = message.lines().next().unwrap_or_default();
                let figures: Value = serde_json::from_str(first).unwrap_or(Value::Null);
                println!(
                    "fuzz: the planted fault of {:<11} was found after {} executions",
                    figures.get("target").and_then(Value::as_str).unwrap_or("?"),
                    figures.get("executions").unwrap_or(&Value::Null)
                );
            }
            Err(message) => return Err(message),
        }
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("the planted fault was not found in {}", missed.join(", ")))
    }
}

/// The same seed makes the same campaign, so that whoever is told a seed and a number of executions finds what was found.
fn repeats() -> Outcome {
    if !stands_still() {
        println!("fuzz: this machine does not let addresses stand still, so no campaign is repeated");
        return Ok(());
    }
    let program = build()?;
    let once = |seed| -> Result<Value, String> {
        let only = Some(REPEATED.to_owned());
        let length = Length::Executions(REPEATED_EXECUTIONS);
        let told = all(&program, &Campaign { length, seed, only, ..Campaign::of_gate() }, &[])?;
        let mut figures = told.into_iter().next().ok_or("no campaign")??.figures;
        for of_time in ["cpuSeconds", "slowestMs"] {
            figures.as_object_mut().and_then(|figures| figures.remove(of_time));
        }
        Ok(figures)
    };
    let (first, second, other) = (once(1)?, once(1)?, once(2)?);
    if first != second {
        return Err(format!("two campaigns of one seed differ:\n{first}\n{second}"));
    }
    if first == other {
        return Err(format!("another seed makes the same campaign: {first}"));
    }
    println!(
        "fuzz: {REPEATED} repeats itself over {REPEATED_EXECUTIONS} executions, and another seed differs"
    );
    Ok(())
}

/// Whether a program can be started so that its addresses are the same each time.
fn stands_still() -> bool {
    let still = Command::new("setarch").args(["--addr-no-randomize", "true"]).stderr(Stdio::null()).status();
    still.is_ok_and(|status| status.success())
}

/// The program, with the same addresses each time where the machine allows it: comparisons of addresses would make each
/// campaign another one.
fn still(program: &Path) -> Command {
    if !stands_still() {
        return Command::new(program);
    }
    let mut command = Command::new("setarch");
    command.arg("--addr-no-randomize").arg(program);
    command
}

/// Where the instrumented program and what it keeps lie.
fn folder() -> PathBuf {
    process::target_folder().join("fuzz")
}

/// Builds the fuzzer: crates that read foreign text with the instrumentation, everything else as for the other stages.
fn build() -> Result<PathBuf, String> {
    let folder = folder();
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let wrapper = tree::root().join("fuzz/instrument.sh");
    // Cargo keeps what a workspace wrapper built apart from what is built without it.
    // The features of the whole workspace, or foreign crates would be built once more.
    let selected = ["--workspace", "--bin", "dvt-fuzz", "--features", GATE_FEATURES];
    let arguments = [["build", "--locked", "--quiet", "--profile", GATE].as_slice(), &selected].concat();
    process::run(cargo(&arguments).env("RUSTC_WORKSPACE_WRAPPER", wrapper))?;
    let program = folder.join("dvt-fuzz");
    std::fs::copy(process::target_folder().join(GATE).join("dvt-fuzz"), &program)
        .map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(program)
}

/// Each target in a process of its own, two at a time.
fn all(program: &Path, campaign: &Campaign, flags: &[&str]) -> Result<Vec<Result<Told, String>>, String> {
    let listed = process::output(Command::new(program).arg("--targets"))?;
    let names: Vec<&str> =
        listed.lines().filter(|name| campaign.only.as_deref().is_none_or(|only| only == *name)).collect();
    if names.is_empty() {
        return Err(format!("no such target; there are {}", listed.lines().collect::<Vec<_>>().join(", ")));
    }
    let next = AtomicUsize::new(0);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = one(program, name, campaign, flags);
                    if let Ok(mut told) = told.lock() {
                        told.push(one);
                    }
                }
            });
        }
    });
    told.into_inner().map_err(|_| "a thread panicked".to_owned())
}

fn one(program: &Path, name: &str, campaign: &Campaign, flags: &[&str]) -> Result<Told, String> {
    let current = folder().join(format!("{name}.current"));
    let mut command = still(program);
    command.arg(name).args(flags);
    match campaign.length {
        Length::Seconds(seconds) => command.args(["--seconds", &seconds.to_string()]),
        Length::Executions(executions) => command.args(["--executions", &executions.to_string()]),
    };
    command.args(["--seed", &campaign.seed.to_string()]).arg("--current").arg(&current);
    if let Some(kept) = &campaign.kept {
        command.arg("--kept").arg(kept.join(format!("{name}.jsonl")));
    }
    if campaign.distills {
        let corpus = tree::root().join("fuzz/corpus").join(name);
        std::fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
        command.arg("--distilled").arg(corpus.join("kept.jsonl"));
    }
    let begun = Instant::now();
    let output = command.current_dir(tree::root()).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        let figures = serde_json::from_str(printed.trim()).map_err(|error| format!("{name}: {error}"))?;
        return Ok(Told { target: name.to_owned(), figures });
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!(
        "{errors}`{name}` ended with {} after {} s; look at it: {} {name} --input {}",
        output.status,
        begun.elapsed().as_secs(),
        program.display(),
        current.display()
    ))
}
