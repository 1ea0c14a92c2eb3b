//! `cargo xtask bench`: ratios against a raw limit measured in the same run; never a timed test.
//!
//! Without a flag: the engine (runs, chains, fan-outs, programs, start-up, memory, size) and what reading and checking a plan
//! costs per step at three sizes. One part alone: `--engine`, `--plan`, `--scrub`, `--store` (beside raw commits of its kind).

mod engine;
mod plan;
mod scrub;

use crate::process::{self, Outcome, flag, known, number};
use std::fmt::Write as _;
use std::process::Command;
use std::time::Instant;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(
        arguments,
        &["--core", "--plan", "--scrub", "--store", "--verify", "--engine", "--small", "--cold-build"],
    )?;
    if flag(arguments, "--core") {
        return crate::determinism::costs();
    }
    if flag(arguments, "--engine") {
        return engine::run(flag(arguments, "--small"), flag(arguments, "--cold-build"));
    }
    if flag(arguments, "--plan") {
        return plan::run();
    }
    if flag(arguments, "--scrub") {
        return scrub::run();
    }
    if flag(arguments, "--store") {
        return store(number(arguments, "--verify", 1_000_000)?);
    }
    engine::run(flag(arguments, "--small"), flag(arguments, "--cold-build"))?;
    lints()
}

/// Reading and checking plans, by the command that people type.
fn lints() -> Outcome {
    let dvt = process::target_folder().join("release/dvt");
    let folder = tempfile::tempdir_in(process::target_folder()).map_err(|error| error.to_string())?;
    for steps in [1_000, 10_000, 50_000] {
        let path = folder.path().join("large.yaml");
        std::fs::write(&path, chain(steps)).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        process::output(Command::new(&dvt).arg("lint").arg(&path))?;
        let each = begun.elapsed() / u32::try_from(steps).unwrap_or(u32::MAX);
        println!(
            "{:<58} {:>12.1}",
            format!("reading and checking {steps} steps, µs a step"),
            each.as_secs_f64() * 1e6
        );
    }
    Ok(())
}

/// The store beside the raw limits of the same disk, and the verification of so many entries.
fn store(verified: u64) -> Outcome {
    process::run(&mut process::cargo(&[
        "build",
        "--locked",
        "--release",
        "-p",
        "dvt-testkit",
        "--bin",
        "store_bench",
    ]))?;
    let program = process::target_folder().join("release/store_bench");
    process::run(
        Command::new(program).args(["--verify", &verified.to_string()]).current_dir(process::target_folder()),
    )
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn chain(length: usize) -> String {
    let mut plan = "apiVersion: dvt/v1\nname: bench\nsteps:\n".to_owned();
    for step in 0..length {
        let needs = if step == 0 { String::new() } else { format!(", needs: s{}", step - 1) };
        // Writing to a String cannot fail; the result is still looked at.
        if writeln!(plan, "  s{step}: {{ uses: dvt/noop@1{needs} }}").is_err() {
            break;
        }
    }
    plan
}
