//! `cargo xtask tamper`: every tamper class over a ledger file, found and placed by our verifier and by the second one.
//!
//! The second verifier is Python with one package. Where that is missing it is installed if the machine lets us; if not, the second
//! half is left out with a word on a developer's machine and is an error in CI.

use crate::process::{self, Outcome, known, number};
use crate::python;
use crate::tree;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Entries, random places and honest ledgers of a gate run; the figures are the verb's own.
const GATE: [u64; 3] = [1_000, 2, 20];

/// The slice that every change passes.
pub(crate) fn gate() -> Outcome {
    play(&process::build_gate()?.join("tamper"), GATE, 1)
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
    play(&released()?, [entries?, places?, honest?], number(arguments, "--seed", 1)?)
}

/// The harness as it is quickest: some thousand whole ledgers are verified twice.
fn released() -> Result<PathBuf, String> {
    process::run(&mut process::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "dvt-testkit",
        "--features",
        "mutants",
        "--bin",
        "tamper",
    ]))?;
    Ok(process::target_folder().join("release").join("tamper"))
}

fn play(harness: &Path, [entries, places, honest]: [u64; 3], seed: u64) -> Outcome {
    let mut command = Command::new(harness);
    for (flag, value) in
        [("--entries", entries), ("--places", places), ("--honest", honest), ("--seed", seed)]
    {
        command.args([flag, &value.to_string()]);
    }
    if second()? {
        command.arg("--second").arg(tree::root().join("testkit/verifier/verify_ledger.py"));
    }
    process::run(&mut command)?;
    if second()? { exports() } else { Ok(()) }
}

/// What leaves by `dvt audit export` and `dvt audit prove`, judged by the second verifier: whole it is VALID, changed it is not
/// (classes 13 and 25 among the changes: an export carries payloads in clear).
fn exports() -> Outcome {
    let dvt = process::build_gate()?.join("dvt");
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let at = |name: &str| home.path().join(name);
    let say = |words: &[&str]| {
        let mut command = Command::new(&dvt);
        command.args(words).current_dir(home.path()).env("DVT_HOME", at("home"));
        process::output(&mut command)
    };
    let plan = tree::root().join("examples/orders-etl/plan.yaml").display().to_string();
    say(&["run", &plan, "--allow-host", "--output", "jsonl"])?;
    say(&["audit", "export", "--payloads", "--file", "export.jsonl"])?;
    say(&["audit", "prove", "0", "--file", "zero.tlog-proof"])?;
    let keys = at("home/config/profile.vkey");
    let judge = |what: &str, path: &Path| -> Result<Value, String> {
        let mut command = Command::new("python3");
        command
            .arg(tree::root().join("testkit/verifier/verify_ledger.py"))
            .arg(what)
            .arg(path)
            .arg("--keys")
            .arg(&keys);
        let output = command.output().map_err(|error| error.to_string())?;
        serde_json::from_slice(&output.stdout).map_err(|_| "the second verifier gave no answer".to_owned())
    };
    let is = |answer: &Value, status: &str| answer.get("status").is_some_and(|said| said == status);
    for (what, name) in [("--export", "export.jsonl"), ("--proof", "zero.tlog-proof")] {
        let answer = judge(what, &at(name))?;
        if !is(&answer, "VALID") {
            return Err(format!("the second verifier refuses an honest {name}: {answer}"));
        }
    }
    let text = std::fs::read_to_string(at("export.jsonl")).map_err(|error| error.to_string())?;
    let rows: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut tried = 0;
    for place in 0..rows.len() {
        for (class, pointer, value) in [
            (13, "/payloads/0/value", json!({ "another": "payload" })),
            (13, "/payloads/0/salt", json!("00".repeat(32))),
            (25, "/payloads/0", json!({ "erased": true })),
            (1, "/leafSalt", json!("00".repeat(32))),
            (1, "/index", json!(1_000_000)),
        ] {
            let mut changed = rows.clone();
            let Some(field) = changed.get_mut(place).and_then(|row| row.pointer_mut(pointer)) else {
                continue;
            };
            *field = value;
            let lines: String = changed.iter().map(|row| format!("{row}\n")).collect();
            std::fs::write(at("changed.jsonl"), lines).map_err(|error| error.to_string())?;
            let answer = judge("--export", &at("changed.jsonl"))?;
            let found = answer.pointer("/findings/0/class").and_then(Value::as_u64);
            if !is(&answer, "INVALID") || found != Some(class) {
                return Err(format!("line {place} of an export, {pointer} changed: {answer}"));
            }
            tried += 1;
        }
        // A dozen lines of each are enough for a gate; each costs a process.
        if tried >= 60 {
            break;
        }
    }
    println!("second: export and proof VALID; {tried} changes of the export (classes 1, 13, 25) found");
    Ok(())
}

/// How long our verifier takes, as it is shipped.
fn measure(entries: u64) -> Outcome {
    process::run(Command::new(released()?).args(["--speed", &entries.to_string()]))
}

/// Whether the second verifier can run here.
fn second() -> Result<bool, String> {
    let import = "cryptography.hazmat.primitives.asymmetric.ed25519";
    python::has("tamper: the second verifier", "cryptography", import)
}
