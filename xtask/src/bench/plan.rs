//! `cargo xtask bench --plan`: reading, checking and bounding a plan at three sizes, beside a plain YAML parse of the same
//! file into a tree in the same run, how the cost of one step changes with the size, and what the refusal of each bomb costs.

use crate::process::{self, Outcome};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const SIZES: [usize; 3] = [10, 1_000, 50_000];

/// Turns of each work.
const TURNS: usize = 3;

/// What the refusal of a bomb may take.
const MOST_MS: f64 = 100.0;
const MOST_KIB: f64 = 65_536.0;

/// The measurement.
pub(super) fn run() -> Outcome {
    let build =
        ["build", "--locked", "--release", "-p", "dvt-plan", "--example", "plan_speed", "--example", "bombs"];
    process::run(&mut process::cargo(&build))?;
    let speed = process::target_folder().join("release/examples/plan_speed");
    let folder = tempfile::tempdir_in(process::target_folder()).map_err(|error| error.to_string())?;
    println!("plan:  steps     MB/s  µs a step: parse  events   check  bounds   check/parse (aim 3.0)");
    let mut each = Vec::new();
    for steps in SIZES {
        let text = typical(steps);
        let path = folder.path().join("plan.yaml");
        std::fs::write(&path, &text).map_err(|error| error.to_string())?;
        let [parse, events, check, bounds] = measured(&speed, &path)?;
        let count = f64::from(u32::try_from(steps).unwrap_or(u32::MAX));
        let size = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
        println!(
            "plan: {steps:>6} {:>8.1} {:>17.2} {:>7.2} {:>7.2} {:>7.3} {:>13.2}",
            size / check,
            parse / count,
            events / count,
            check / count,
            bounds / count,
            check / parse
        );
        each.push((check / count, parse / count));
    }
    if let [_, (middle, middle_parse), (large, large_parse)] = each.as_slice() {
        println!("plan: a step at 50,000 beside one at 1,000: {:.2} (aim 1.1)", large / middle);
        println!("plan: the same for the plain parse:         {:.2}", large_parse / middle_parse);
    }
    bombs()
}

/// The microseconds of each work. They take turns, each in a process of its own, so that none is done in the memory that another
/// one left in pieces: at fifty thousand steps that alone costs an eighth.
fn measured(speed: &Path, plan: &Path) -> Result<[f64; 4], String> {
    let works = ["parse", "events", "check", "bounds"];
    let mut shortest = [f64::INFINITY; 4];
    for _ in 0..TURNS {
        for (work, shortest) in works.iter().zip(&mut shortest) {
            let told = process::output(Command::new(speed).arg(plan).arg(work))?;
            let figure: f64 = told.trim().parse().map_err(|_| format!("`speed` printed `{told}`"))?;
            *shortest = shortest.min(figure);
        }
    }
    Ok(shortest)
}

/// Each bomb in a process of its own.
fn bombs() -> Outcome {
    let program = process::target_folder().join("release/examples/bombs");
    let count = process::output(&mut Command::new(&program))?;
    let count: usize = count.trim().parse().map_err(|_| format!("`bombs` printed `{count}`"))?;
    let (mut slowest, mut largest) = (0.0_f64, 0.0_f64);
    let mut over = Vec::new();
    println!("bomb:       ms    KiB   code      text");
    for index in 0..count {
        let told = process::output(Command::new(&program).arg(index.to_string()))?;
        let words: Vec<&str> = told.trim().split('\t').collect();
        let [name, code, took, grown] = words.as_slice() else {
            return Err(format!("`bombs {index}` printed `{told}`"));
        };
        let (Ok(took), Ok(grown)) = (took.parse::<f64>(), grown.parse::<f64>()) else {
            return Err(format!("`bombs {index}` printed `{told}`"));
        };
        println!("bomb: {took:>8.1} {grown:>6.0}   {code}  {name}");
        slowest = slowest.max(took);
        largest = largest.max(grown);
        if took > MOST_MS || grown > MOST_KIB {
            over.push((*name).to_owned());
        }
    }
    println!(
        "bombs: {count} refused; the slowest took {slowest:.1} ms (bound {MOST_MS}), the largest {largest:.0} KiB (bound {MOST_KIB})"
    );
    if over.is_empty() { Ok(()) } else { Err(format!("beyond their bounds: {}", over.join(", "))) }
}

/// Programs with arguments, environment, expressions, time limits and needs; 50,000 of them stay below 8 MiB.
fn typical(steps: usize) -> String {
    let mut plan =
        "apiVersion: dvt/v1\nname: bench\ninputs: { day: { type: string, pattern: '^[0-9-]+$' } }\n\
                    defaults: { timeout: 1m }\nsteps:\n"
            .to_owned();
    for step in 0..steps {
        // Ids of one length, so that a step of a large plan is no larger than one of a small plan.
        let needs = match step.checked_sub(10) {
            Some(before) => format!("    needs: [s{before:05}]\n"),
            None => String::new(),
        };
        // Writing to a String cannot fail; the result is still looked at.
        let written = write!(
            plan,
            "  s{step:05}:\n    run: [load, p{step:05}, '--day=${{{{ inputs.day }}}}']\n\
             {needs}    env: {{ DAY: '${{{{ inputs.day }}}}' }}\n    timeout: 30s\n"
        );
        if written.is_err() {
            break;
        }
    }
    plan
}
