//! Publishing: the command is killed somewhere, asked again, and the plan is there once, under the one digest; who was told of it
//! finds it.

use super::round::{Round, wait};
use crate::process;
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

const PLAN: [&str; 2] = ["plan", "publish"];
const AS: [&str; 4] = ["--as", "1.0.0", "--output", "json"];

/// What a round showed.
pub(super) struct Published {
    pub(super) killed: bool,
    /// It was there after the kill.
    pub(super) was_there: bool,
}

impl Round {
    /// Kills `dvt plan publish` so long after its start, and publishes again.
    pub(super) fn play_a_publication(&self, after_ms: u64) -> Result<Published, String> {
        let file = self.path("below.yaml").display().to_string();
        let words = [&PLAN[..], &[file.as_str()], &AS].concat();
        let mut child = self
            .dvt(&words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`dvt plan publish`: {error}"))?;
        let until = Instant::now() + Duration::from_millis(after_ms);
        let (_keep, tick) = std::sync::mpsc::channel::<()>();
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if child.try_wait().map_err(|error| error.to_string())?.is_some() {
                break;
            }
            // Nothing is ever sent: a tick between two looks.
            tick.recv_timeout(left.min(Duration::from_millis(2))).unwrap_or_default();
        }
        child.kill().map_err(|error| format!("kill: {error}"))?;
        let code = wait(&mut child)?;
        let told = child.stdout.take().map(std::io::read_to_string).transpose();
        let told = told.map_err(|error| error.to_string())?.unwrap_or_default();
        let was_told = serde_json::from_str::<Value>(&told).is_ok();
        let was_there = self.versions()? == 1;
        if was_told && !was_there {
            return Err("lost: somebody was told that it is published".to_owned());
        }
        let again: Value = serde_json::from_str(&process::output(&mut self.dvt(&words))?)
            .map_err(|error| error.to_string())?;
        let is = |key: &str| again.get(key).and_then(Value::as_bool);
        if is("already") != Some(was_there) || is("published") != Some(true) {
            return Err(format!("published again it says {again}; it was there before: {was_there}"));
        }
        if self.versions()? != 1 {
            return Err("doubled: not one version is there".to_owned());
        }
        self.json(&["plan", "get", "below@1.0.0"])?;
        self.json(&["store", "check"])?;
        self.is_verified()?;
        Ok(Published { killed: code == Some(-1), was_there })
    }

    /// How many versions are published.
    fn versions(&self) -> Result<usize, String> {
        let listed = self.json(&["plan", "list"])?;
        let plans = listed.get("plans").and_then(Value::as_array).ok_or("`dvt plan list` shows no plans")?;
        Ok(plans.len())
    }
}
