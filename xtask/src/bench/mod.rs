//! `cargo xtask bench`: ratios against a raw limit measured in the same run; never a timed test.
//!
//! Today: start-up to the end of a one-step plan and of a chain of noop steps, beside raw durable commits a second of the same
//! disk (append and `fdatasync` of one page, which is what a commit costs at least); and the cost of reading and checking a
//! plan per step at three sizes, which must not rise with the size. One part alone:
//! `--plan`, `--scrub`, `--store` (beside raw commits of its kind).

mod plan;
mod scrub;

use crate::process::{self, Outcome, flag, known, number};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(2);
const CHAIN: usize = 300;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--core", "--plan", "--scrub", "--store", "--verify"])?;
    if flag(arguments, "--core") {
        return crate::determinism::costs();
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
    process::run(&mut process::cargo(&["build", "--locked", "--release", "-p", "dvt"]))?;
    let dvt = process::target_folder().join("release/dvt");
    let folder = tempfile::tempdir_in(process::target_folder()).map_err(|error| error.to_string())?;
    let raw = raw_commits_per_second(folder.path())?;
    let plans = [("one noop step", chain(1)), ("chain of noop steps", chain(CHAIN))];
    println!("raw durable commits (append 4 KiB, fdatasync)   {raw:>9.0} /s");
    for (name, plan) in plans {
        let path = folder.path().join("plan.yaml");
        std::fs::write(&path, plan).map_err(|error| error.to_string())?;
        let mut command = Command::new(&dvt);
        command.env("DVT_HOME", folder.path().join("home")).args(["run", "--output", "json"]).arg(&path);
        process::output(&mut command)?;
        let begun = Instant::now();
        process::output(&mut command)?;
        println!("{name:<44} {:>9.0} ms from start to end", begun.elapsed().as_secs_f64() * 1_000.0);
    }
    for steps in [1_000, 10_000, 50_000] {
        let path = folder.path().join("large.yaml");
        std::fs::write(&path, chain(steps)).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        process::output(Command::new(&dvt).arg("lint").arg(&path))?;
        let each = begun.elapsed() / u32::try_from(steps).unwrap_or(u32::MAX);
        println!("reading and checking {steps:>6} steps {:>26.1} µs a step", each.as_secs_f64() * 1e6);
    }
    let size = std::fs::metadata(&dvt).map_err(|error| error.to_string())?.len();
    println!("size of the binary {:>38.1} MiB", mebibytes(size));
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

fn raw_commits_per_second(folder: &Path) -> Result<f64, String> {
    let opened = OpenOptions::new().create(true).append(true).open(folder.join("raw"));
    let mut file = opened.map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let mut commits = 0u32;
    while begun.elapsed() < WINDOW {
        file.write_all(&[0u8; 4096]).and_then(|()| file.sync_data()).map_err(|error| error.to_string())?;
        commits += 1;
    }
    Ok(f64::from(commits) / begun.elapsed().as_secs_f64())
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
