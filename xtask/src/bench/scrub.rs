//! `cargo xtask bench --scrub`: the scrubber beside ripgrep with the same expressions, over the same text, in the same run.
//!
//! The text is what workers see: the logs, run results and lineage events of DVT_TEST_DATA. What ripgrep's older engine
//! cannot read is left out for it alone, which favours it, and is counted. Ripgrep counts lines with a match, on one thread.

use crate::process::{self, Outcome};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The text is repeated up to this size.
const SIZE: usize = 24_000_000;
/// Where the ratio should stay.
const AIM: f64 = 0.5;

/// The measurement.
pub(super) fn run() -> Outcome {
    if Command::new("rg").arg("--version").output().is_err() {
        process::run(Command::new("apt-get").args(["update", "-q"]))?;
        process::run(Command::new("apt-get").args(["install", "-y", "-q", "ripgrep"]))?;
    }
    let build = ["build", "--locked", "--release", "-p", "dvt-scrub", "--example", "scrub_speed"];
    process::run(&mut process::cargo(&build))?;
    let speed = process::target_folder().join("release/examples/scrub_speed");
    let folder = tempfile::tempdir_in(process::target_folder()).map_err(|error| error.to_string())?;
    let text = folder.path().join("text");
    let (size, lines) = write_text(&text)?;
    println!("scrub: {size:.1} MB of logs in {lines} lines");

    let ours = process::output(Command::new(&speed).arg(&text))?;
    let figures: Vec<f64> = ours.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [findings, whole, streamed, _] = figures.as_slice() else {
        return Err(format!("`speed` printed `{ours}`"));
    };
    let all = process::output(Command::new(&speed).arg("--patterns"))?;
    let (patterns, left_out) = readable(&all, folder.path())?;
    let begun = Instant::now();
    let options = ["--no-config", "--no-unicode", "--text", "--count", "--threads", "1"];
    let limits = ["--regex-size-limit", "1G", "--dfa-size-limit", "1G", "-f"];
    let searched = Command::new("rg").args(options).args(limits).arg(&patterns).arg(&text).output();
    let searched = searched.map_err(|error| error.to_string())?;
    let rg = size / begun.elapsed().as_secs_f64();
    // One is «nothing found», which is an answer.
    if searched.status.code().is_none_or(|code| code > 1) {
        return Err(format!("ripgrep: {}", String::from_utf8_lossy(&searched.stderr)));
    }
    println!("scrub: ripgrep, {left_out} of {} expressions left out {rg:>10.1} MB/s", all.lines().count());
    for (name, speed) in [("one text", whole), ("a stream in 64 KiB", streamed)] {
        let verdict = if speed / rg >= AIM { "" } else { " (below the aim)" };
        println!(
            "scrub: the rules over {name:<20} {speed:>10.1} MB/s, {:.2} of ripgrep{verdict}",
            speed / rg
        );
    }
    println!("scrub: findings {findings}");
    Ok(())
}

/// The expressions that ripgrep can read, in a file, and how many it cannot.
fn readable(all: &str, folder: &Path) -> Result<(PathBuf, usize), String> {
    let (mut kept, mut left_out) = (String::new(), 0);
    for pattern in all.lines() {
        let tried =
            Command::new("rg").args(["--no-config", "--no-unicode", "-e", pattern, "/dev/null"]).output();
        if tried.map_err(|error| error.to_string())?.status.code().is_some_and(|code| code <= 1) {
            writeln!(kept, "{pattern}").map_err(|error| error.to_string())?;
        } else {
            left_out += 1;
        }
    }
    let path = folder.join("patterns");
    std::fs::write(&path, kept).map_err(|error| error.to_string())?;
    Ok((path, left_out))
}

fn write_text(path: &Path) -> Result<(f64, usize), String> {
    let data = std::env::var("DVT_TEST_DATA").map_err(|_| "DVT_TEST_DATA is not set".to_owned())?;
    let mut text = Vec::new();
    for folder in ["dbt/logs", "dbt/run_results", "dbt/openlineage_events"] {
        let entries = std::fs::read_dir(Path::new(&data).join(folder)).map_err(|error| error.to_string())?;
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.sort();
        for file in paths {
            let bytes = std::fs::read(&file).map_err(|error| error.to_string())?;
            if file.extension().is_some_and(|extension| extension == "gz") {
                let mut reader = flate2::read::GzDecoder::new(bytes.as_slice());
                reader.read_to_end(&mut text).map_err(|error| error.to_string())?;
            } else {
                text.extend_from_slice(&bytes);
            }
            text.push(b'\n');
        }
    }
    let once = text.clone();
    while text.len() < SIZE {
        text.extend_from_slice(&once);
    }
    std::fs::write(path, &text).map_err(|error| error.to_string())?;
    let size = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)) / 1e6;
    Ok((size, text.iter().filter(|byte| **byte == b'\n').count()))
}
