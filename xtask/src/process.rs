//! Running programs: cargo with the gate profile, and others, with their failure as a sentence.

use crate::tree;
use std::path::PathBuf;
use std::process::Command;

/// The outcome of a verb: a sentence on failure.
pub(crate) type Outcome = Result<(), String>;

/// The one profile of tests, simulator and crash harness.
pub(crate) const GATE: &str = "gate";
/// One feature set for all gate builds, so that nothing is built twice.
pub(crate) const GATE_FEATURES: &str = "dvt/crash-points,dvt-store/weakened,dvt-testkit/mutants";

/// `cargo <arguments>` at the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(tree::root());
    command
}

/// Runs a command to its end; anything but success is the sentence.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = shown(command);
    let status = command.status().map_err(|error| format!("`{shown}` does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// Runs a command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = shown(command);
    let output = command.output().map_err(|error| format!("`{shown}` does not start: {error}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{shown}` ended with {}\n{errors}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed something that is no text"))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Builds the gate form of the given package's binaries and gives the folder in which they lie.
pub(crate) fn build_gate() -> Result<PathBuf, String> {
    run(&mut cargo(&[
        "build",
        "--locked",
        "--profile",
        GATE,
        "--workspace",
        "--bins",
        "--features",
        GATE_FEATURES,
    ]))?;
    Ok(target_folder().join(GATE))
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree::root().join("target"), PathBuf::from)
}

/// The value after a flag, or what stands for it.
pub(crate) fn number(arguments: &[String], flag: &str, otherwise: u64) -> Result<u64, String> {
    let Some(at) = arguments.iter().position(|argument| argument == flag) else { return Ok(otherwise) };
    let value = arguments.get(at + 1).ok_or_else(|| format!("`{flag}` needs a number"))?;
    value.parse().map_err(|_| format!("`{flag}` needs a number, not `{value}`"))
}

/// Whether a flag is there.
pub(crate) fn flag(arguments: &[String], flag: &str) -> bool {
    arguments.iter().any(|argument| argument == flag)
}

/// Refuses what a verb does not know.
pub(crate) fn known(arguments: &[String], flags: &[&str]) -> Outcome {
    let mut takes_value = false;
    for argument in arguments {
        if takes_value && argument.bytes().all(|byte| byte.is_ascii_digit()) {
            takes_value = false;
        } else if flags.contains(&argument.as_str()) {
            takes_value = true;
        } else {
            return Err(format!("`{argument}` is not known; known are {}", flags.join(", ")));
        }
    }
    Ok(())
}
