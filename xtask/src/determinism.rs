//! `cargo xtask determinism`: golden plans of the core, each under many orders in which results arrive, in two processes and
//! two build profiles. The digests of all event bodies are the committed ones, whoever made them.
//!
//! The control: with an unordered ready set two processes disagree with them, and with each other.

use crate::process::{self, GATE, Outcome, cargo, flag, known, number};
use crate::tree;
use std::path::PathBuf;
use std::process::Command;

/// Orders of arrival for each golden plan; a smaller number has digests of its own.
const PERMUTATIONS: u64 = 500;
/// The same in a gate run.
pub(crate) const GATE_PERMUTATIONS: u64 = 60;
/// Where the digests lie, in a file for each number of permutations.
const GOLDEN: &str = "crates/pure/core/examples/determinism/golden";

/// Builds the program in a profile and gives its path.
fn build(profile: &str) -> Result<PathBuf, String> {
    let arguments = [
        "build",
        "--locked",
        "-p",
        "dvt-core",
        "--features",
        "mutants",
        "--example",
        "determinism",
        "--profile",
        profile,
    ];
    process::run(&mut cargo(&arguments))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(process::target_folder().join(folder).join("examples/determinism"))
}

/// Golden plans in two processes and two profiles, the seeded bugs, and the control.
pub(crate) fn check(permutations: u64, bless: bool) -> Outcome {
    let path = tree::root().join(GOLDEN).join(format!("{permutations}.txt"));
    let count = permutations.to_string();
    let (gate, dev) = (build(GATE)?, build("dev")?);
    if bless {
        let text = process::output(Command::new(&gate).args(["--permutations", &count]))?;
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let golden = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (profile, program) in [(GATE, &gate), ("dev", &dev)] {
        for process in 1..=2 {
            let found = process::output(Command::new(program).args(["--permutations", &count]))?;
            let differs = golden.lines().zip(found.lines()).find(|(golden, found)| golden != found);
            if let Some((_, found)) = differs {
                return Err(format!(
                    "profile {profile}, process {process}: not the committed digest: {found}"
                ));
            }
            if golden.lines().count() != found.lines().count() {
                return Err(format!("profile {profile}, process {process}: another number of golden plans"));
            }
        }
    }
    let unordered = || process::output(Command::new(&gate).args(["--permutations", "10", "--unordered"]));
    let sound = process::output(Command::new(&gate).args(["--permutations", "10"]))?;
    let (first, second) = (unordered()?, unordered()?);
    if first == sound || second == sound {
        return Err("an unordered ready set is not noticed".to_owned());
    }
    process::run(Command::new(&gate).arg("--coverage"))?;
    process::run(Command::new(&gate).arg("--mutants"))?;
    let plans = golden.lines().count();
    println!(
        "determinism: {plans} golden plans x {permutations} orders x 2 processes x 2 profiles, all as committed; an unordered \
         ready set is noticed{}",
        if first == second { "" } else { ", and differs from process to process" }
    );
    Ok(())
}

/// `cargo xtask bench --core`: steps decided a second, touches and bytes a step; fails where a count grows with the plan.
pub(crate) fn costs() -> Outcome {
    let program = build("release")?;
    process::run(Command::new(program).arg("--costs"))
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--permutations", "--bless"])?;
    check(number(arguments, "--permutations", PERMUTATIONS)?, flag(arguments, "--bless"))
}
