//! Timers: one heap of what becomes due for which run, one sleep until the earliest.
//!
//! It keeps nothing durable: a due time follows from the folded state, so a new holder has it again after folding. The
//! wall clock names the moment, the monotonic one measures the wait; a run that is woken too early asks again.

use crate::run::Hot;
use dvt_model::id::RunId;
use dvt_model::time::Timestamp;
use dvt_store::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// What a run tells the timers.
pub(crate) enum Setting {
    /// Wake it then; replaces what was set.
    At(RunId, Timestamp, Hot),
    /// Nothing is due.
    Never(RunId),
}

/// Runs in order of when they are due.
#[derive(Default)]
struct Heap {
    by_time: BTreeSet<(Timestamp, RunId)>,
    by_run: BTreeMap<RunId, (Timestamp, Hot)>,
}

impl Heap {
    fn apply(&mut self, setting: Setting) {
        let (Setting::At(run, ..) | Setting::Never(run)) = setting;
        if let Some((at, _)) = self.by_run.remove(&run) {
            self.by_time.remove(&(at, run));
        }
        if let Setting::At(run, at, hot) = setting {
            self.by_time.insert((at, run));
            self.by_run.insert(run, (at, hot));
        }
    }

    fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    fn take_due(&mut self, now: Timestamp) -> Vec<Hot> {
        let mut due = Vec::new();
        while let Some((at, run)) = self.by_time.first().copied().filter(|(at, _)| *at <= now) {
            self.by_time.remove(&(at, run));
            due.extend(self.by_run.remove(&run).map(|(_, hot)| hot));
        }
        due
    }
}

/// Serves until every sender is gone.
pub(crate) async fn serve(clock: Clock, mut settings: mpsc::UnboundedReceiver<Setting>) {
    /// The wall clock may be set; nobody waits longer than this before it is read again.
    const LONGEST: u64 = 60_000;
    let mut heap = Heap::default();
    loop {
        let wait = heap.next().map(|at| Duration::from_millis(at.ms_since(clock()).min(LONGEST)));
        let wake = async {
            match wait {
                Some(wait) => sleep_until(Instant::now() + wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            setting = settings.recv() => match setting {
                Some(setting) => heap.apply(setting),
                None => return,
            },
            () = wake => {
                for hot in heap.take_due(clock()) {
                    hot.due();
                }
            }
        }
    }
}
