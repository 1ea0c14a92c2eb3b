//! `cargo xtask bench --plan`: reading, checking and bounding a plan at three sizes, beside a plain YAML parse of the same
//! file in the same run, and how the cost of one step changes with the size.

use crate::process::{self, Outcome};
use std::fmt::Write as _;
use std::process::Command;

const SIZES: [usize; 3] = [10, 1_000, 50_000];

/// The measurement.
pub(super) fn run() -> Outcome {
    let build = ["build", "--locked", "--release", "-p", "dvt-plan", "--example", "speed"];
    process::run(&mut process::cargo(&build))?;
    let speed = process::target_folder().join("release/examples/speed");
    let folder = tempfile::tempdir_in(process::target_folder()).map_err(|error| error.to_string())?;
    println!("plan:  steps     MB/s  µs a step: parse   check  bounds   check/parse (aim 3.0)");
    let mut each = Vec::new();
    for steps in SIZES {
        let text = typical(steps);
        let path = folder.path().join("plan.yaml");
        std::fs::write(&path, &text).map_err(|error| error.to_string())?;
        let told = process::output(Command::new(&speed).arg(&path))?;
        let figures: Vec<f64> = told.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        let [parse, check, bounds] = figures.as_slice() else {
            return Err(format!("`speed` printed `{told}`"));
        };
        let count = f64::from(u32::try_from(steps).unwrap_or(u32::MAX));
        let size = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
        println!(
            "plan: {steps:>6} {:>8.1} {:>17.2} {:>7.2} {:>7.3} {:>13.2}",
            size / check,
            parse / count,
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
    Ok(())
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
