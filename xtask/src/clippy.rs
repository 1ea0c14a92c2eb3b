//! `cargo fmt --check` and `clippy -D warnings`, over everything, in the gate profile.

use crate::process::{self, GATE, GATE_FEATURES, Outcome, cargo, known};

/// `cargo xtask clippy`
pub(crate) fn run_all() -> Outcome {
    process::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    process::run(&mut cargo(&[
        "clippy",
        "--quiet",
        "--locked",
        "--profile",
        GATE,
        "--workspace",
        "--all-targets",
        "--features",
        GATE_FEATURES,
        "--",
        "-D",
        "warnings",
    ]))
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &[])?;
    run_all()
}
