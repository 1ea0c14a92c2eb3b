//! What the engine looks at beside its work: whether the key file still opens what hangs under it, and whether the wall clock runs
//! with the one that nobody sets (contract 5.10; INV-14).
//!
//! It refuses nothing itself. Without the key file the store uses what it has opened for fifteen minutes and refuses then; a clock
//! that was set changes no order, for that is the ledger's. Both are told, in the ledger of every tenant that is written meanwhile, so
//! that an auditor knows between which entries times are not to be trusted. Surprising: a clock that was set is in order again when
//! it has run evenly for a minute, whatever it says now; whether it is right nobody here can know.

use crate::Parts;
use crate::engine::told_to_stop;
use crate::pressure::{Change, Mode};
use crate::sealer::Ask;
use dvt_model::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

/// How often they are looked at (INV-14).
pub const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A wall clock that is so far from where it was going was set.
const STEP_MS: u64 = 1_000;
/// How long it has to run evenly after that.
const EVEN: Duration = Duration::from_secs(60);
/// A look that itself took longer says nothing: we were stopped in the midst of it.
const LONGEST_LOOK: Duration = Duration::from_millis(200);

/// How to look.
#[derive(Clone)]
pub struct Surroundings {
    /// A clock that nobody sets and that goes on while the machine sleeps: the time since some moment.
    pub steady: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// How often; [`LOOK_EVERY`].
    pub every: Duration,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    is_keyless: bool,
    /// The last look at both clocks.
    clocks: Option<(Timestamp, Duration)>,
    /// When the wall clock was last found set.
    stepped: Option<Duration>,
}

impl Seen {
    fn key(&mut self, opens: bool) -> Option<Change> {
        let was = std::mem::replace(&mut self.is_keyless, !opens);
        (was == opens).then_some(Change { mode: Mode::KeyUnreadable, entered: !opens })
    }

    fn clocks(&mut self, wall: Timestamp, steady: Duration) -> Option<Change> {
        let (before, since) = self.clocks.replace((wall, steady))?;
        let passed = i64::try_from(steady.saturating_sub(since).as_millis()).unwrap_or(i64::MAX);
        let away = wall.ms().saturating_sub(before.ms()).abs_diff(passed);
        let mode = Mode::ClockStepped;
        if away >= STEP_MS {
            let is_new = self.stepped.replace(steady).is_none();
            return is_new.then_some(Change { mode, entered: true });
        }
        self.stepped.filter(|at| steady.saturating_sub(*at) > EVEN)?;
        self.stepped = None;
        Some(Change { mode, entered: false })
    }
}

/// The first look, as the engine begins: what both clocks say. The key file was read a moment ago, or there were no engine.
pub(crate) fn begin(parts: &Parts) -> Seen {
    Seen { clocks: both(parts), ..Seen::default() }
}

/// Serves until the engine is told to end. It waits before each look: the first one was [`begin`].
pub(crate) async fn serve(
    mut seen: Seen,
    parts: Parts,
    told: mpsc::UnboundedSender<Ask>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            () = sleep(parts.surroundings.every) => {}
        }
        let store = parts.store.clone();
        // A file may lie where reading takes long; the engine goes on meanwhile.
        let opens = tokio::task::spawn_blocking(move || store.key_opens()).await;
        let key = seen.key(opens.is_ok_and(|opened| opened.is_ok()));
        let clock = both(&parts).and_then(|(wall, steady)| seen.clocks(wall, steady));
        for change in key.into_iter().chain(clock) {
            // It is gone only when the engine ends.
            drop(told.send(Ask::Everywhere(change)));
        }
    }
}

/// Both clocks at one moment; nothing where it was none.
fn both(parts: &Parts) -> Option<(Timestamp, Duration)> {
    let before = (parts.surroundings.steady)();
    let wall = (parts.clock)();
    let after = (parts.surroundings.steady)();
    (after.saturating_sub(before) <= LONGEST_LOOK).then_some((wall, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(1_771_200_000_000 + ms)
    }

    fn after(ms: u64) -> Duration {
        Duration::from_millis(90_000_000 + ms)
    }

    #[test]
    fn a_key_that_is_gone_is_told_once_and_its_return_too() {
        let mut seen = Seen::default();
        let change = |entered| Some(Change { mode: Mode::KeyUnreadable, entered });
        assert_eq!(seen.key(true), None);
        assert_eq!((seen.key(false), seen.key(false)), (change(true), None));
        assert_eq!((seen.key(true), seen.key(true)), (change(false), None));
    }

    #[test]
    fn a_clock_that_is_set_is_told_whichever_way_and_until_it_runs_evenly() {
        for set in [3_600_000, -3_600_000, 1_000, -1_000] {
            let mut seen = Seen::default();
            let change = |entered| Some(Change { mode: Mode::ClockStepped, entered });
            assert_eq!(seen.clocks(at(0), after(0)), None);
            // Slewed by a little, and a machine that slept for a day: both clocks say so.
            assert_eq!(seen.clocks(at(10_999), after(10_000)), None);
            assert_eq!(seen.clocks(at(86_410_999), after(86_410_000)), None);
            let base = 86_420_999 + set;
            assert_eq!(seen.clocks(at(base), after(86_420_000)), change(true), "{set}");
            assert_eq!(
                seen.clocks(at(base + 60_000), after(86_480_000)),
                None,
                "not yet evenly for a minute"
            );
            // Set again: told already, and the minute begins anew.
            assert_eq!(seen.clocks(at(base + 90_000), after(86_490_000)), None);
            assert_eq!(seen.clocks(at(base + 150_000), after(86_550_000)), None);
            assert_eq!(seen.clocks(at(base + 150_001), after(86_550_001)), change(false), "{set}");
            assert_eq!(seen.clocks(at(base + 160_000), after(86_560_000)), None);
        }
    }
}
