//! The runs that somebody started, acts on or watches, each with the right to ask about it.
//!
//! Runs that have ended are let go of after a while, the oldest first: who lives long and starts many runs keeps the open ones and
//! the last that ended. Whoever asks about an older one shows its right again.

use dvt_model::id::RunId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many runs that have ended are kept.
const MOST_ENDED: usize = 1_024;

/// Runs with a right each.
pub(crate) struct Held<T>(Mutex<Runs<T>>);

struct Runs<T> {
    by_run: BTreeMap<RunId, One<T>>,
    /// Those that have ended, in that order; each once.
    in_order: VecDeque<RunId>,
    ended: BTreeSet<RunId>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct One<T> {
    /// Whether the run goes on for the sake of this right.
    pub(crate) attends: bool,
    pub(crate) right: T,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        let runs = Runs { by_run: BTreeMap::new(), in_order: VecDeque::new(), ended: BTreeSet::new() };
        Self(Mutex::new(runs))
    }
}

impl<T: Clone> Held<T> {
    fn lock(&self) -> MutexGuard<'_, Runs<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a right. One to watch, or to cancel, does not take the place of the one that the run goes on by.
    pub(crate) fn hold(&self, run: RunId, attends: bool, right: T) {
        let mut runs = self.lock();
        if !runs.by_run.get(&run).is_some_and(|known| known.attends) {
            runs.by_run.insert(run, One { attends, right });
        }
    }

    /// The right on this run.
    pub(crate) fn of(&self, run: RunId) -> Option<One<T>> {
        self.lock().by_run.get(&run).cloned()
    }

    /// The runs that go on for the sake of a right.
    pub(crate) fn attended(&self) -> Vec<RunId> {
        self.lock().by_run.iter().filter(|(_, one)| one.attends).map(|(run, _)| *run).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<(RunId, One<T>)> {
        self.lock().by_run.iter().map(|(run, one)| (*run, one.clone())).collect()
    }

    /// This run has ended, and whoever holds it knows.
    pub(crate) fn has_ended(&self, run: RunId) {
        let mut runs = self.lock();
        if runs.by_run.contains_key(&run) && runs.ended.insert(run) {
            runs.in_order.push_back(run);
        }
        while runs.in_order.len() > MOST_ENDED {
            let Some(oldest) = runs.in_order.pop_front() else { return };
            runs.ended.remove(&oldest);
            runs.by_run.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(number: u16) -> RunId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        RunId::from_random(bytes)
    }

    #[test]
    fn ended_runs_are_let_go_of_and_open_ones_stay() {
        let held = Held::default();
        let count = u16::try_from(MOST_ENDED).unwrap() + 10;
        for number in 0..count {
            held.hold(run(number), true, number);
        }
        assert_eq!(held.all().len(), usize::from(count));
        // Every run but the first ends, some are told of twice, and a stranger is none of ours.
        for number in 1..count {
            held.has_ended(run(number));
            held.has_ended(run(number));
        }
        held.has_ended(run(count));
        assert_eq!(held.all().len(), MOST_ENDED + 1);
        assert_eq!(held.of(run(0)), Some(One { attends: true, right: 0 }));
        assert_eq!((held.of(run(9)), held.of(run(10)).is_some()), (None, true));
    }

    #[test]
    fn the_right_that_a_run_goes_on_by_stays() {
        let held = Held::default();
        held.hold(run(1), false, "watches");
        assert!(held.attended().is_empty());
        held.hold(run(1), true, "starts");
        held.hold(run(1), true, "cancels");
        held.hold(run(1), false, "watches");
        assert_eq!(held.of(run(1)), Some(One { attends: true, right: "starts" }));
        assert_eq!(held.attended(), [run(1)]);
    }
}
