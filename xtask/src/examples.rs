//! `cargo xtask examples`: each example in a fresh `DVT_HOME` ends as its `expect.json` says.
//!
//! Compared are the run's status, each step's status and attempts, the outputs that the file names, and that the ledger
//! verifies. Where `plan.test.yaml` lies beside a plan, its tests pass. At least one plan must hand the output of one step to
//! another.

use crate::process::{self, Outcome, known};
use crate::tree;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

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
    let (mut hands_over, mut rehearsed) = (false, 0);
    for example in &names {
        rehearsed += u32::from(rehearse(&dvt, example)?);
        example_ends_as_expected(&dvt, example).map_err(|fault| format!("{}: {fault}", example.display()))?;
        let plan = std::fs::read_to_string(example.join("plan.yaml")).unwrap_or_default();
        hands_over |= plan.contains(".output");
    }
    if !hands_over {
        return Err("no example hands the output of one step to another".to_owned());
    }
    if rehearsed == 0 {
        return Err("no example has tests of its plan".to_owned());
    }
    println!(
        "examples: {} ended as expected, their ledgers are VALID; the tests of {rehearsed} plans pass",
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

fn example_ends_as_expected(dvt: &Path, example: &Path) -> Outcome {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let expected = std::fs::read_to_string(example.join("expect.json"))
        .map_err(|error| format!("expect.json: {error}"))?;
    let expected: Value = serde_json::from_str(&expected).map_err(|error| format!("expect.json: {error}"))?;
    let printed = process::output(
        Command::new(dvt)
            .env("DVT_HOME", home.path())
            .args(["run", "--allow-host", "--output", "json"])
            .arg(example.join("plan.yaml")),
    )?;
    let run: Value =
        serde_json::from_str(&printed).map_err(|error| format!("`dvt run --output json`: {error}"))?;
    contains(&run, &expected, "")?;
    let verified = process::output(
        Command::new(dvt).env("DVT_HOME", home.path()).args(["audit", "verify", "--output", "json"]),
    )?;
    let verified: Value =
        serde_json::from_str(&verified).map_err(|error| format!("`dvt audit verify`: {error}"))?;
    contains(&verified, &serde_json::json!({"status": "VALID", "unsealed": 0}), "audit")
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
