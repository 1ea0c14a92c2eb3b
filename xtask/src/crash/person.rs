//! The person at the second terminal: brings the acts of a plan to the run, again and again until each is accepted.

use super::plans::Act;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two tries of the same act.
const TICK: Duration = Duration::from_millis(20);

/// A person at work, who stops when told.
pub(super) struct Person {
    stop: Arc<AtomicBool>,
    hands: JoinHandle<&'static [Act]>,
}

impl Person {
    /// Begins to bring `acts`; `dvt` makes a command of the home in question.
    pub(super) fn begins(acts: &'static [Act], dvt: impl Fn(&[&str]) -> Command + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let hands = std::thread::spawn(move || bring(acts, &dvt, &told));
        Self { stop, hands }
    }

    /// Ends, after the act in hand; gives the acts that nobody has accepted.
    pub(super) fn ends(self) -> Result<&'static [Act], String> {
        self.stop.store(true, Ordering::Relaxed);
        self.hands.join().map_err(|_| "the person at the second terminal ended badly".to_owned())
    }
}

/// Each act in turn, until it is accepted, or refused because its step has ended: then the answer to an earlier try was lost.
fn bring(mut left: &'static [Act], dvt: &dyn Fn(&[&str]) -> Command, stop: &AtomicBool) -> &'static [Act] {
    let (_keep, tick) = mpsc::channel::<()>();
    while let Some((act, rest)) = left.split_first().filter(|_| !stop.load(Ordering::Relaxed)) {
        let words = [&["runs", act.verb, "@latest"], act.rest].concat();
        let done = dvt(&words).output().is_ok_and(|told| {
            told.status.success() || String::from_utf8_lossy(&told.stderr).contains("STEP_TERMINAL")
        });
        if done {
            left = rest;
        } else {
            // Nothing is ever sent: a tick between two tries.
            tick.recv_timeout(TICK).unwrap_or_default();
        }
    }
    left
}
