//! `cargo xtask bench --engine`: the engine beside raw commits and bare forks (`engine_bench`), then what a person meets: time to
//! the first line, memory at rest, size of the binary; with `--cold-build` the processor seconds of a build from nothing.
//!
//! Figures stand beside their targets; none of them fails the verb. `--small` is a try with small counts.

use crate::process::{self, Outcome};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

const SMALL: &[&str] = &[
    "--window-ms",
    "300",
    "--rounds",
    "1",
    "--runs",
    "20",
    "--chain",
    "100",
    "--fan",
    "100",
    "--programs",
    "100",
];
/// A run that rests until somebody acts.
const RESTING: &str = "apiVersion: dvt/v1\nname: resting\nsteps:\n  gate: { approval: { role: operator } }\n";
/// The same after a program, so that worker and starter are there.
const WORKED: &str = "apiVersion: dvt/v1\nname: worked\nsteps:\n  work: { run: ['/bin/true'] }\n  \
                      gate: { needs: work, approval: { role: operator } }\n";
const STEP: &str = "apiVersion: dvt/v1\nname: step\nsteps:\n  one: { uses: dvt/noop@1 }\n";

/// The verb.
pub(super) fn run(is_small: bool, is_cold: bool) -> Outcome {
    process::run(&mut process::cargo(&[
        "build",
        "--locked",
        "--release",
        "-p",
        "dvt",
        "-p",
        "dvt-testkit",
        "--bin",
        "dvt",
        "--bin",
        "engine_bench",
    ]))?;
    let target = process::target_folder();
    let mut loads = Command::new(target.join("release/engine_bench"));
    process::run(loads.args(if is_small { SMALL } else { &[] }).current_dir(&target))?;
    let dvt = target.join("release/dvt");
    let folder = tempfile::tempdir_in(&target).map_err(|error| error.to_string())?;
    let times = if is_small { 5 } else { 40 };
    starts(&dvt, folder.path(), times)?;
    ready(&dvt, folder.path(), times)?;
    for (what, plan) in [("engine at rest", RESTING), ("engine, worker and starter at rest", WORKED)] {
        rests(&dvt, folder.path(), what, plan)?;
    }
    let size = std::fs::metadata(&dvt).map_err(|error| error.to_string())?.len();
    println!("{:<58} {:>12.1}", "size of the binary, MiB", super::mebibytes(size));
    if is_cold { cold_build() } else { Ok(()) }
}

/// A `dvt` in a home of its own.
fn command(dvt: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(dvt);
    command.env("DVT_HOME", folder.join("home")).args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn plan(folder: &Path, text: &str) -> Result<String, String> {
    let file = folder.join("plan.yaml");
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    file.to_str().map(ToOwned::to_owned).ok_or_else(|| "the folder has no name in UTF-8".to_owned())
}

/// A run that prints its events, and those.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(dvt: &Path, folder: &Path, plan: &str) -> Result<Self, String> {
        let mut command = command(dvt, folder, &["run", plan, "--allow-host", "--output", "jsonl"]);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let lines = BufReader::new(child.stdout.take().ok_or("`dvt run` has no output")?).lines();
        Ok(Self { child, lines })
    }

    /// Reads on to the event of this name and step.
    fn until(&mut self, name: &str, step: Option<&str>) -> Outcome {
        for line in self.lines.by_ref() {
            let event: Value = serde_json::from_str(&line.map_err(|error| error.to_string())?)
                .map_err(|error| format!("an event is no JSON: {error}"))?;
            let is = |key: &str, value: &str| event.get(key).and_then(Value::as_str) == Some(value);
            if is("eventType", name) && step.is_none_or(|step| is("stepId", step)) {
                return Ok(());
            }
        }
        Err(format!("the run ended without {name}"))
    }

    fn ends(mut self) -> Outcome {
        for line in self.lines.by_ref() {
            line.map_err(|error| error.to_string())?;
        }
        self.child.wait().map(drop).map_err(|error| error.to_string())
    }
}

/// From starting the program to its first line, which is told when the run is durable; and to its end.
fn starts(dvt: &Path, folder: &Path, times: u32) -> Outcome {
    let plan = plan(folder, STEP)?;
    process::output(command(dvt, folder, &["run", &plan]).stdout(Stdio::piped()))?;
    let (mut firsts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let begun = Instant::now();
        let mut running = Running::start(dvt, folder, &plan)?;
        running.until("RunQueued", None)?;
        firsts.push(begun.elapsed().as_secs_f64() * 1_000.0);
        running.ends()?;
        ends.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let first = middle(&mut firsts);
    println!(
        "{:<58} {first:>12.1}   target < 100      {}",
        "start to the first event of a durable run, ms",
        if first < 100.0 { "met" } else { "MISSED" }
    );
    println!("{:<58} {:>12.1}", "start of a one-step run to the end of the process, ms", middle(&mut ends));
    Ok(())
}

/// From starting `dvt engine` to its word that it is the engine: from then on others reach it.
fn ready(dvt: &Path, folder: &Path, times: u32) -> Outcome {
    let mut all = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        let mut command = command(dvt, folder, &["engine"]);
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let told = child.stderr.take().ok_or("`dvt engine` says nothing")?;
        let mut lines = BufReader::new(told).lines().map_while(Result::ok);
        let is_ready = lines.any(|line| line.contains("the engine of"));
        all.push(begun.elapsed().as_secs_f64() * 1_000.0);
        process::output(Command::new("kill").args(["-TERM", &child.id().to_string()]))?;
        // It may say more, and must not be stopped by a pipe that is full or closed.
        lines.for_each(drop);
        child.wait().map_err(|error| error.to_string())?;
        if !is_ready {
            return Err("`dvt engine` did not become the engine".to_owned());
        }
    }
    let ready = middle(&mut all);
    println!(
        "{:<58} {ready:>12.1}   target < 100      {}",
        "start of `dvt engine` to ready, ms",
        if ready < 100.0 { "met" } else { "MISSED" }
    );
    Ok(())
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Memory of the process and its children while a run waits for a person.
fn rests(dvt: &Path, folder: &Path, what: &str, text: &str) -> Outcome {
    let plan = plan(folder, text)?;
    let mut running = Running::start(dvt, folder, &plan)?;
    running.until("StepStarted", Some("gate"))?;
    let processes = family(running.child.id());
    let of = |field| super::mebibytes(processes.iter().map(|process| memory(*process, field)).sum());
    let shown = of("VmRSS:");
    println!(
        "{:<58} {shown:>12.1}   target < 60       {}",
        format!("{what}, MiB resident"),
        if shown < 60.0 { "met" } else { "MISSED" }
    );
    println!("{:<58} {:>12.1}", format!("{what}, MiB at the peak"), of("VmHWM:"));
    process::output(&mut command(dvt, folder, &["runs", "approve", "@latest", "gate", "-m", "measured"]))?;
    running.ends()
}

/// A process and everything below it.
fn family(of: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    // A thread that is not the first may have forked; the worker's starter comes from one of one thread.
    let threads = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let others = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let all: std::collections::BTreeSet<u32> = std::iter::once(text)
        .chain(others)
        .flat_map(|text| text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect();
    std::iter::once(of).chain(all.into_iter().flat_map(family)).collect()
}

/// A field of the process's memory, in bytes.
fn memory(process: u32, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Processor seconds of `cargo build --release -p dvt` into an empty folder, and how long it took.
fn cold_build() -> Outcome {
    let folder = tempfile::tempdir_in(process::target_folder()).map_err(|error| error.to_string())?;
    let (before, begun) = (of_children(), Instant::now());
    let mut build = process::cargo(&["build", "--locked", "--release", "-p", "dvt", "--quiet"]);
    process::run(build.env("CARGO_TARGET_DIR", folder.path()))?;
    println!("{:<58} {:>12.0}", "cold build, CPU seconds", of_children() - before);
    println!("{:<58} {:>12.0}", "cold build, seconds", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Seconds on processors of the children that were waited for. Ticks of 10 ms.
fn of_children() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(") ").next().unwrap_or_default();
    fields.split(' ').skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
