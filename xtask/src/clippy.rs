//! `cargo fmt --check` and `clippy -D warnings`, over everything, in the gate profile. The format is a stage of its own: it
//! costs nothing and fails before anything is built.

use crate::process::{self, GATE, GATE_FEATURES, Outcome, cargo, known};

/// Whether every file is formatted.
pub(crate) fn format() -> Outcome {
    process::run(&mut cargo(&["fmt", "--all", "--check"]))
}

/// The lints.
pub(crate) fn lints() -> Outcome {
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
    format()?;
    lints()
}
