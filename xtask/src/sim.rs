//! `cargo xtask sim`: the simulator of testkit over seeds, and the seeded bugs that it must catch.

use crate::process::{self, Outcome, flag, known, number};
use std::process::Command;

fn simulate(arguments: &[&str]) -> Outcome {
    let folder = process::build_gate()?;
    process::run(Command::new(folder.join("simulate")).args(arguments))
}

/// Runs `seeds` histories from `from`.
pub(crate) fn histories(from: u64, seeds: u64) -> Outcome {
    simulate(&["--seeds", &seeds.to_string(), "--from", &from.to_string()])
}

/// Runs each seeded bug until it is caught.
pub(crate) fn mutants() -> Outcome {
    simulate(&["--mutants"])
}

/// What the line of a finding may say besides the seed; each with a value that is no number.
const CUTS: [&str; 3] = ["--mutant", "--without-steps", "--without-moves"];

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let is_cut = |argument: &String| CUTS.contains(&argument.as_str());
    let (mut plain, mut cuts) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if is_cut(argument) {
            cuts.extend([argument.as_str()].into_iter().chain(rest.next().map(String::as_str)));
        } else {
            plain.push(argument.clone());
        }
    }
    known(&plain, &["--seeds", "--from", "--mutants", "--survey"])?;
    if flag(&plain, "--mutants") {
        return mutants();
    }
    let seeds = number(&plain, "--seeds", 1_000)?.to_string();
    let from = number(&plain, "--from", 0)?.to_string();
    let mut asked = vec!["--seeds", &seeds, "--from", &from];
    asked.extend(cuts);
    asked.extend(flag(&plain, "--survey").then_some("--survey"));
    simulate(&asked)
}
