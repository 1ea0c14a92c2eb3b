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

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--seeds", "--from", "--mutants"])?;
    if flag(arguments, "--mutants") {
        return mutants();
    }
    histories(number(arguments, "--from", 0)?, number(arguments, "--seeds", 1_000)?)
}
