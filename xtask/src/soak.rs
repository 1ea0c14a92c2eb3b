//! `cargo xtask soak`: big counts accumulate in `evidence/soak.jsonl`, one line a batch: commit, seeds, counts, machine.

use crate::process::{self, Outcome, flag, known, number};
use crate::{crash, sim, tree};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

const HISTORIES_A_BATCH: u64 = 5_000;
const POWER_CUTS_A_BATCH: u64 = 200;
const KILLS_A_BATCH: u64 = 20;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--minutes", "--from", "--histories"])?;
    if flag(arguments, "--histories") {
        return histories(number(arguments, "--histories", 50_000)?, number(arguments, "--from", 0)?);
    }
    let until = Instant::now() + Duration::from_secs(60 * number(arguments, "--minutes", 10)?);
    let commit = process::output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(tree::root()))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut from = number(arguments, "--from", seed_of(&commit))?;
    loop {
        let begun = Instant::now();
        sim::histories(from, HISTORIES_A_BATCH)?;
        crash::power_cuts(POWER_CUTS_A_BATCH)?;
        crash::kills(KILLS_A_BATCH)?;
        let line = json!({
            "commit": commit.trim(), "fromSeed": from, "histories": HISTORIES_A_BATCH, "powerCuts": POWER_CUTS_A_BATCH,
            "randomKills": KILLS_A_BATCH, "failed": 0, "seconds": begun.elapsed().as_secs(),
            "machine": format!("{processors} cores, Linux"),
        });
        append(&line.to_string())?;
        from += HISTORIES_A_BATCH;
        if Instant::now() >= until {
            return Ok(());
        }
    }
}

/// Histories alone: that many of them, a line a batch.
fn histories(count: u64, from: u64) -> Outcome {
    let commit = process::output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(tree::root()))?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut from, end) = (from, from.saturating_add(count));
    while from < end {
        let batch = HISTORIES_A_BATCH.min(end - from);
        let begun = Instant::now();
        sim::histories(from, batch)?;
        let line = json!({
            "commit": commit.trim(), "fromSeed": from, "histories": batch, "failed": 0,
            "seconds": begun.elapsed().as_secs(), "machine": format!("{processors} cores, Linux"),
        });
        append(&line.to_string())?;
        from += batch;
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
