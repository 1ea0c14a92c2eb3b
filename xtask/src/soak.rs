//! `cargo xtask soak`: big counts accumulate in `evidence/soak.jsonl`, one line a batch: commit, seeds, counts, machine.

use crate::process::{self, Outcome, flag, known, number};
use crate::{crash, fuzz, sim, tree};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::Range;
use std::process::Command;
use std::time::{Duration, Instant};

const HISTORIES_A_BATCH: u64 = 5_000;
const POWER_CUTS_A_BATCH: u64 = 200;
/// Of a soak of power cuts alone.
const CUTS_A_BATCH: u64 = 500;
/// Of a soak of kills alone.
const KILLS_ALONE_A_BATCH: u64 = 100;
const KILLS_A_BATCH: u64 = 20;
const TAKE_OVERS_A_BATCH: u64 = 4;
/// Seconds of the processor for each target of the fuzzer.
const FUZZ_SECONDS_A_BATCH: u64 = 60;
/// Of a soak of the fuzzer alone: what earlier rounds kept is replayed first, and takes a minute by itself.
const FUZZ_SECONDS_ALONE: u64 = 300;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let alone = ["--histories", "--power-cuts", "--engine-cuts", "--kills"];
    known(arguments, &[&["--minutes", "--from", "--fuzz"], &alone[..]].concat())?;
    if flag(arguments, "--histories") {
        return histories(number(arguments, "--histories", 50_000)?, number(arguments, "--from", 0)?);
    }
    if flag(arguments, "--power-cuts") {
        return power_cuts(number(arguments, "--power-cuts", 5_000)?, number(arguments, "--from", 1)?);
    }
    if flag(arguments, "--engine-cuts") {
        return engine_cuts(number(arguments, "--engine-cuts", 2_000)?, number(arguments, "--from", 1)?);
    }
    if flag(arguments, "--kills") {
        return kills(number(arguments, "--kills", 300)?, number(arguments, "--from", 0)?);
    }
    let until = Instant::now() + Duration::from_secs(60 * number(arguments, "--minutes", 10)?);
    let commit = process::output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(tree::root()))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut from = number(arguments, "--from", seed_of(&commit))?;
    let machine = format!("{processors} cores, Linux");
    let is_alone = flag(arguments, "--fuzz");
    let seconds = if is_alone { FUZZ_SECONDS_ALONE } else { FUZZ_SECONDS_A_BATCH };
    loop {
        fuzzing((from, seconds), commit.trim(), &machine)?;
        if is_alone {
            from += 1;
            if Instant::now() >= until {
                return sum();
            }
            continue;
        }
        let begun = Instant::now();
        sim::histories(from, HISTORIES_A_BATCH)?;
        crash::power_cuts(POWER_CUTS_A_BATCH)?;
        crash::engine_cuts(POWER_CUTS_A_BATCH)?;
        crash::kills(from, KILLS_A_BATCH)?;
        crash::take_overs(TAKE_OVERS_A_BATCH)?;
        let line = json!({
            "commit": commit.trim(), "fromSeed": from, "histories": HISTORIES_A_BATCH, "powerCuts": POWER_CUTS_A_BATCH,
            "engineCuts": POWER_CUTS_A_BATCH,
            "randomKills": KILLS_A_BATCH, "takeOvers": TAKE_OVERS_A_BATCH, "failed": 0, "seconds": begun.elapsed().as_secs(),
            "machine": machine,
        });
        append(&line.to_string())?;
        from += HISTORIES_A_BATCH;
        if Instant::now() >= until {
            return sum();
        }
    }
}

/// Histories alone: that many of them, a line a batch.
fn histories(count: u64, from: u64) -> Outcome {
    batches("histories", HISTORIES_A_BATCH, from..from.saturating_add(count), sim::histories)
}

/// Power cuts alone: that many of them, a line a batch. The seed of a batch is the number of its first cut.
fn power_cuts(count: u64, from: u64) -> Outcome {
    batches("powerCuts", CUTS_A_BATCH, from..from.saturating_add(count), crash::cuts)
}

/// Power cuts under a working engine alone. A history has one to three of them, and the seed of its number.
fn engine_cuts(count: u64, from: u64) -> Outcome {
    batches("engineCuts", CUTS_A_BATCH, from..from.saturating_add(count), crash::more_engine_cuts)
}

/// Random kills alone, each batch with those at the commit sites.
fn kills(count: u64, from: u64) -> Outcome {
    batches("randomKills", KILLS_ALONE_A_BATCH, from..from.saturating_add(count), crash::kills)
}

/// One thing alone, in batches of `size`: `play` is told where a batch begins and how much of it there is.
fn batches(what: &str, size: u64, range: Range<u64>, play: impl Fn(u64, u64) -> Outcome) -> Outcome {
    let commit = process::output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(tree::root()))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut from = range.start;
    while from < range.end {
        let count = size.min(range.end - from);
        let begun = Instant::now();
        play(from, count)?;
        let line = json!({
            "commit": commit.trim(), "fromSeed": from, what: count, "failed": 0,
            "seconds": begun.elapsed().as_secs(), "machine": format!("{processors} cores, Linux"),
        });
        append(&line.to_string())?;
        from += count;
    }
    Ok(())
}

/// One round of the fuzzer, a line a target. What it finds is kept, so that the next round begins where this one ended.
fn fuzzing((seed, seconds): (u64, u64), commit: &str, machine: &str) -> Outcome {
    let kept = Some(process::target_folder().join("fuzz"));
    let (told, failed) = fuzz::each(&fuzz::Campaign {
        length: fuzz::Length::Seconds(seconds),
        seed,
        kept,
        distills: false,
        only: None,
    })?;
    // What one target found takes nothing from the hours of the others.
    told.into_iter().try_for_each(|told| {
        let line = json!({
            "commit": commit, "fuzz": told.target, "seed": seed, "figures": told.figures, "failed": 0, "machine": machine,
        });
        append(&line.to_string())
    })?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Prints what has come together for each target: hours of the processor, executions, the most edges.
fn sum() -> Outcome {
    let path = tree::root().join("evidence/soak.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut sums: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(target) = line.get("fuzz").and_then(Value::as_str) else { continue };
        let figure = |name: &str| {
            line.pointer(&format!("/figures/{name}")).and_then(Value::as_u64).unwrap_or_default()
        };
        let (seconds, executions, edges) = sums.entry(target.to_owned()).or_default();
        *seconds += figure("cpuSeconds");
        *executions += figure("executions");
        *edges = figure("edges").max(*edges);
    }
    for (target, (seconds, executions, edges)) in sums {
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        println!(
            "soak: fuzz {target:<11} {hours:>3} h {minutes:>2} min of the processor {executions:>12} executions {edges:>7} edges"
        );
    }
    Ok(())
}

/// Seeds come from the commit, so that two commits do not walk the same histories.
fn seed_of(commit: &str) -> u64 {
    commit.get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

fn append(line: &str) -> Outcome {
    let folder = tree::root().join("evidence");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let opened = OpenOptions::new().create(true).append(true).open(folder.join("soak.jsonl"));
    let mut file = opened.map_err(|error| error.to_string())?;
    writeln!(file, "{line}").map_err(|error| error.to_string())
}
