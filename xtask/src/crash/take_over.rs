//! Take-over: the process that is the engine is stopped, one that stands by takes the lease under a higher epoch and ends the work,
//! and the old one is continued.
//!
//! It must be gone by then. If it were not, it could write nothing: the head row's epoch is the new one's, and its first write would
//! show as a doubled key or a gap. So the round asks for both, and for what the steps themselves bore witness of.

use super::round::{Round, STUCK, wait};
use super::witness::{self, Acknowledged};
use crate::process;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a round showed.
pub(super) struct TakenOver {
    pub(super) dispatched_again: u64,
    /// From the stop to the end of the run under the new engine.
    pub(super) took_ms: u64,
}

/// How [`wait`] tells that a signal ended somebody.
const BY_A_SIGNAL: i32 = -1;
/// Nobody takes over as early as that.
const EARLY: Duration = Duration::from_secs(6);
/// Between two looks; nothing is ever sent.
const TICK: Duration = Duration::from_millis(50);

impl Round {
    /// Stops the engine after so many events; `None` where the run ended before that.
    pub(super) fn play_a_take_over(&self, events: u64) -> Result<Option<TakenOver>, String> {
        let mut old = self.start();
        let mut old = old
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("`dvt run`: {error}"))?;
        let output = old.stdout.take().ok_or("`dvt run` has no output")?;
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if line.is_err() || sender.send(()).is_err() {
                    break;
                }
            }
        });
        for _ in 0..events {
            if receiver.recv_timeout(STUCK).is_err() {
                break;
            }
        }
        send("-STOP", &old)?;
        let begun = Instant::now();
        let before = self.witness()?;
        let standing = self.dvt(&["engine"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut standing = standing.map_err(|error| format!("`dvt engine`: {error}"))?;
        let shown = self.watch(&before, begun);
        // Whatever it showed, nobody is left behind. One that was ended and is not yet collected hears signals, too.
        let continued = send("-CONT", &old);
        let stopped = wait(&mut old)?;
        let told = send("-TERM", &standing);
        wait(&mut standing)?;
        reader.join().map_err(|_| "the reader of the run's output ended badly".to_owned())?;
        let shown = shown?;
        continued.and(told)?;
        if shown.is_some() && stopped != Some(BY_A_SIGNAL) {
            return Err(format!("the old engine was not ended, but continued: it ended with {stopped:?}"));
        }
        // It ends with 1 where anything is not whole, a key that is held twice among it.
        self.json(&["store", "check"])?;
        self.is_verified()?;
        Ok(shown)
    }

    /// The run ends under another engine, while the old one is stopped.
    fn watch(&self, before: &str, begun: Instant) -> Result<Option<TakenOver>, String> {
        let (_keep, tick) = mpsc::channel::<()>();
        let mut acknowledged = None;
        loop {
            // One that was stopped while it wrote keeps everybody else from writing, also that somebody read.
            let run = self.json(&["runs", "get", "@latest"]).unwrap_or_default();
            let ended = run.get("status").and_then(Value::as_str) == Some(self.plan().end.status());
            if acknowledged.is_none() {
                if ended || begun.elapsed() > EARLY {
                    // It was over before it was stopped, or what it had acknowledged could not be read in time.
                    return Ok(None);
                }
                acknowledged = self.acknowledged().ok();
            }
            if ended {
                break;
            }
            if begun.elapsed() > STUCK {
                return Err(format!("stuck: nobody took over: {run}"));
            }
            tick.recv_timeout(TICK).unwrap_or_default();
        }
        let acknowledged: Acknowledged = acknowledged.unwrap_or_default();
        let after = self.witness()?;
        let dispatched_again = witness::judge(before, &after, &acknowledged, self.plan().work)?;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Some(TakenOver { dispatched_again, took_ms }))
    }
}

/// A signal, if it is still there to hear it.
fn send(signal: &str, child: &Child) -> Result<(), String> {
    let mut kill = Command::new("kill");
    kill.args([signal, &child.id().to_string()]).stderr(Stdio::null());
    match process::run(&mut kill) {
        Ok(()) => Ok(()),
        Err(error) => Err(format!("`kill {signal}`: {error}")),
    }
}
