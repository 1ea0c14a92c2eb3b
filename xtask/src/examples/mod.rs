//! `cargo xtask examples`: each example in a fresh `DVT_HOME` ends as its `expect.json` says.
//!
//! Compared are the run's status and exit code, each step's status and attempts, the outputs that the file names, and that the
//! ledger verifies. Where `acts.json` lies beside a plan, a second process approves and signals while the run waits. Where
//! `plan.test.yaml` lies there, its tests pass. Each example has a page; at least one plan must hand the output of one step to
//! another.

mod acts;

use crate::process::{self, Outcome, known};
use crate::tree;
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a reader finds at least.
const FEWEST: usize = 8;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &[])?;
    let dvt = process::build_gate()?.join("dvt");
    let folder = tree::root().join("examples");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("plan.yaml").is_file())
        .collect();
    names.sort();
    let (mut hands_over, mut rehearsed, mut acts) = (false, 0, 0);
    for example in &names {
        if !example.join("README.md").is_file() {
            return Err(format!("{} has no page", example.display()));
        }
        rehearsed += u32::from(rehearse(&dvt, example)?);
        acts += example_ends_as_expected(&dvt, example)
            .map_err(|fault| format!("{}: {fault}", example.display()))?;
        let plan = std::fs::read_to_string(example.join("plan.yaml")).unwrap_or_default();
        hands_over |= plan.contains(".output");
    }
    if !hands_over {
        return Err("no example hands the output of one step to another".to_owned());
    }
    if rehearsed == 0 {
        return Err("no example has tests of its plan".to_owned());
    }
    if names.len() < FEWEST || acts == 0 {
        return Err(format!("{} examples with {acts} acts from a second process are too few", names.len()));
    }
    println!(
        "examples: {} ended as expected with {acts} acts from a second process, their ledgers are VALID; the tests of \
         {rehearsed} plans pass",
        names.len()
    );
    Ok(())
}

/// `dvt plan test` of the tests that lie beside a plan; whether there are any.
fn rehearse(dvt: &Path, example: &Path) -> Result<bool, String> {
    let tests = example.join("plan.test.yaml");
    if !tests.is_file() {
        return Ok(false);
    }
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let told =
        process::output(Command::new(dvt).env("DVT_HOME", home.path()).args(["plan", "test"]).arg(&tests));
    told.map(|_| true).map_err(|fault| format!("{}: {fault}", tests.display()))
}

/// How many acts were brought to it.
fn example_ends_as_expected(dvt: &Path, example: &Path) -> Result<usize, String> {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let expected = std::fs::read_to_string(example.join("expect.json"))
        .map_err(|error| format!("expect.json: {error}"))?;
    let expected: Value = serde_json::from_str(&expected).map_err(|error| format!("expect.json: {error}"))?;
    let command = |arguments: &[&str]| {
        let mut command = Command::new(dvt);
        command.env("DVT_HOME", home.path().join("home")).args(arguments).stdin(Stdio::null());
        command
    };
    let plan = example.join("plan.yaml");
    let mut start = command(&["run", "--allow-host", "--output", "json"]);
    start.arg(&plan);
    let (printed, errors) = (home.path().join("printed"), home.path().join("errors"));
    let create = |path: &Path| File::create(path).map_err(|error| error.to_string());
    let spawned = start.stdout(create(&printed)?).stderr(create(&errors)?).spawn();
    let mut run = spawned.map_err(|error| format!("`dvt run`: {error}"))?;
    let acts = acts::of(example)?;
    let brought = acts::bring(&acts, &mut run, &command);
    if brought.is_err() {
        // It may have ended, and then there is nothing to kill.
        drop(run.kill());
    }
    let ended = run.wait().map_err(|error| error.to_string())?;
    let said = std::fs::read_to_string(&errors).unwrap_or_default();
    brought.map_err(|fault| format!("{fault}\n{said}"))?;
    let printed = std::fs::read_to_string(&printed).map_err(|error| error.to_string())?;
    let found: Value = serde_json::from_str(&printed)
        .map_err(|error| format!("`dvt run --output json` ended with {ended}: {error}\n{said}"))?;
    contains(&found, &expected, "").map_err(|fault| format!("{fault}\n{said}"))?;
    let code = exit_code(&expected)?;
    if ended.code() != Some(code) {
        return Err(format!("`dvt run` ended with {ended}, expected {code}"));
    }
    let verified = process::output(&mut command(&["audit", "verify", "--output", "json"]))?;
    let verified: Value =
        serde_json::from_str(&verified).map_err(|error| format!("`dvt audit verify`: {error}"))?;
    contains(&verified, &serde_json::json!({"status": "VALID", "unsealed": 0}), "audit")?;
    Ok(acts.len())
}

/// How `dvt run` ends where the run ends as `expect.json` says.
fn exit_code(expected: &Value) -> Result<i32, String> {
    match expected.get("status").and_then(Value::as_str) {
        Some("COMPLETED") => Ok(0),
        Some("FAILED") => Ok(1),
        Some("CANCELLED") => Ok(3),
        other => Err(format!("expect.json names the status {other:?}")),
    }
}

/// Whether everything that `expected` names stands in `found`.
pub(crate) fn contains(found: &Value, expected: &Value, place: &str) -> Outcome {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => expected.iter().try_for_each(|(key, value)| {
            let place = format!("{place}/{key}");
            let inner = found.get(key).ok_or_else(|| format!("`{place}` is not there"))?;
            contains(inner, value, &place)
        }),
        _ if found == expected => Ok(()),
        _ => Err(format!("`{place}` is {found}, expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_named_must_be_equal() {
        let found = json!({"status": "COMPLETED", "steps": {"a": {"attempts": 2, "status": "SUCCESS"}}});
        assert!(contains(&found, &json!({"steps": {"a": {"attempts": 2}}}), "").is_ok());
        assert!(contains(&found, &json!({"steps": {"a": {"attempts": 1}}}), "").is_err());
        assert!(contains(&found, &json!({"steps": {"b": {}}}), "").is_err());
    }
}
