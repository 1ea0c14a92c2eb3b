//! The second terminal of an example: brings what its `acts.json` lists to the run, each act once, when the run stands as it says.
//!
//! An act names its moment by the states of steps, never by a time: an early signal is one that is accepted while its step is
//! PENDING. One that must be refused names the code.

use crate::process;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Between two looks at the run.
const TICK: Duration = Duration::from_millis(30);
/// A run that does not come to the moment of an act in this time never does.
const STUCK: Duration = Duration::from_secs(120);

/// One act.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// States of steps; none of them named: as soon as the act before it is done.
    #[serde(default)]
    when: BTreeMap<String, String>,
    /// The words after `dvt runs`.
    r#do: Vec<String>,
    /// The code with which it must be refused.
    refused: Option<String>,
}

/// What lies beside a plan; nothing where nobody acts.
pub(super) fn of(example: &Path) -> Result<Vec<Act>, String> {
    let file = example.join("acts.json");
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&file).map_err(|error| format!("acts.json: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("acts.json: {error}"))
}

/// Brings them all; `run` is the first terminal, which must not end before.
pub(super) fn bring(acts: &[Act], run: &mut Child, dvt: &dyn Fn(&[&str]) -> Command) -> Result<(), String> {
    for act in acts {
        let words: Vec<&str> = std::iter::once("runs").chain(act.r#do.iter().map(String::as_str)).collect();
        let shown = words.join(" ");
        moment(act, run, dvt).map_err(|fault| format!("before `dvt {shown}`: {fault}"))?;
        let told = dvt(&words).output().map_err(|error| format!("`dvt {shown}`: {error}"))?;
        let errors = String::from_utf8_lossy(&told.stderr);
        match &act.refused {
            None if told.status.success() => {}
            None => return Err(format!("`dvt {shown}` ended with {}\n{errors}", told.status)),
            Some(code) if !told.status.success() && errors.contains(code) => {}
            Some(code) => return Err(format!("`dvt {shown}` is not refused with {code}\n{errors}")),
        }
    }
    Ok(())
}

/// Waits until the run stands as the act says.
fn moment(act: &Act, run: &mut Child, dvt: &dyn Fn(&[&str]) -> Command) -> Result<(), String> {
    let begun = Instant::now();
    let (_keep, tick) = mpsc::channel::<()>();
    let mut seen = "no run is there".to_owned();
    while !act.when.is_empty() {
        if let Some(status) = run.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("the run has ended ({status}); last seen: {seen}"));
        }
        // Before the run is queued there is nothing to look at.
        if let Ok(text) = process::output(&mut dvt(&["runs", "get", "@latest", "--output", "json"])) {
            let states = states(&text)?;
            if act.when.iter().all(|(step, state)| states.get(step) == Some(state)) {
                return Ok(());
            }
            seen = format!("{states:?}");
        }
        if begun.elapsed() > STUCK {
            return Err(format!("the moment {:?} never came; last seen: {seen}", act.when));
        }
        // Nothing is ever sent: a tick between two looks.
        tick.recv_timeout(TICK).unwrap_or_default();
    }
    Ok(())
}

fn states(text: &str) -> Result<BTreeMap<String, String>, String> {
    let run: Value = serde_json::from_str(text).map_err(|error| format!("`dvt runs get`: {error}"))?;
    let steps = run.get("steps").and_then(Value::as_array).ok_or("`dvt runs get` shows no steps")?;
    let word = |step: &Value, key: &str| step.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    Ok(steps.iter().filter_map(|step| Some((word(step, "stepId")?, word(step, "status")?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A first terminal that stays until it is killed, and a `dvt` that is a line of shell.
    fn brought(acts: &str, line: &'static str) -> Result<(), String> {
        let acts: Vec<Act> = serde_json::from_str(acts).unwrap();
        let mut run = Command::new("sleep").arg("60").spawn().unwrap();
        let brought = bring(&acts, &mut run, &|_| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", line]);
            command
        });
        run.kill().unwrap();
        run.wait().unwrap();
        brought
    }

    #[test]
    fn what_is_refused_must_be_and_what_is_not_must_not() {
        let (plain, refused) = (r#"[{"do": ["skip"]}]"#, r#"[{"do": ["skip"], "refused": "RUN_TERMINAL"}]"#);
        assert!(brought(plain, "true").is_ok());
        assert!(brought(plain, "false").is_err());
        assert!(brought(refused, "echo RUN_TERMINAL >&2; false").is_ok());
        assert!(brought(refused, "echo RUN_TERMINAL >&2").is_err());
        assert!(brought(refused, "echo NOT_FOUND >&2; false").is_err());
    }

    #[test]
    fn a_run_that_ends_before_its_act_is_at_fault() {
        let acts: Vec<Act> = serde_json::from_str(r#"[{"when": {"a": "RUNNING"}, "do": ["skip"]}]"#).unwrap();
        let mut run = Command::new("true").spawn().unwrap();
        run.wait().unwrap();
        let fault = bring(&acts, &mut run, &|_| Command::new("true")).unwrap_err();
        assert!(fault.contains("has ended"), "{fault}");
    }
}
