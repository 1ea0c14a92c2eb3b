//! `cargo xtask tamper`: every tamper class over a ledger file, found and placed by our verifier and by the second one.
//!
//! The second verifier is Python with one package. Where that is missing it is installed if the machine lets us; if not, the second
//! half is left out with a word on a developer's machine and is an error in CI.

use crate::process::{self, Outcome, known, number};
use crate::tree;
use std::process::{Command, Stdio};

/// Entries, random places and honest ledgers of a gate run; the figures are the verb's own.
const GATE: [u64; 3] = [1_000, 2, 20];

/// The slice that every change passes.
pub(crate) fn gate() -> Outcome {
    play(GATE, 1)
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &["--entries", "--places", "--honest", "--seed", "--gate", "--speed"])?;
    if process::flag(arguments, "--gate") {
        return gate();
    }
    let speed = number(arguments, "--speed", 0)?;
    if speed > 0 {
        return measure(speed);
    }
    let [entries, places, honest] = [("--entries", 10_000), ("--places", 50), ("--honest", 100)]
        .map(|(flag, otherwise)| number(arguments, flag, otherwise));
    play([entries?, places?, honest?], number(arguments, "--seed", 1)?)
}

fn play([entries, places, honest]: [u64; 3], seed: u64) -> Outcome {
    let mut command = Command::new(process::build_gate()?.join("tamper"));
    for (flag, value) in
        [("--entries", entries), ("--places", places), ("--honest", honest), ("--seed", seed)]
    {
        command.args([flag, &value.to_string()]);
    }
    if second()? {
        command.arg("--second").arg(tree::root().join("testkit/verifier/verify_ledger.py"));
    }
    process::run(&mut command)
}

/// How long our verifier takes, as it is shipped.
fn measure(entries: u64) -> Outcome {
    process::run(&mut process::cargo(&[
        "run",
        "--release",
        "--locked",
        "--package",
        "dvt-testkit",
        "--features",
        "mutants",
        "--bin",
        "tamper",
        "--",
        "--speed",
        &entries.to_string(),
    ]))
}

/// Whether the second verifier can run here.
fn second() -> Result<bool, String> {
    if has_package() {
        return Ok(true);
    }
    // A bare machine: whichever of the two works.
    for words in [
        &["apt-get", "install", "--yes", "--quiet", "python3", "python3-cryptography"] as &[&str],
        &["python3", "-m", "pip", "install", "--quiet", "cryptography"],
    ] {
        if quiet(words) && has_package() {
            return Ok(true);
        }
    }
    let missing =
        "the second verifier needs Python with `cryptography`: apt-get install python3-cryptography";
    if std::env::var_os("CI").is_some() {
        return Err(missing.to_owned());
    }
    println!("tamper: {missing}; left out here");
    Ok(false)
}

fn has_package() -> bool {
    quiet(&["python3", "-c", "import cryptography.hazmat.primitives.asymmetric.ed25519"])
}

fn quiet(words: &[&str]) -> bool {
    let Some((program, rest)) = words.split_first() else { return false };
    let status = Command::new(program).args(rest).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
