//! Runs that ended a moment ago: whoever follows one hears of its end without a look into the ledger.
//!
//! A memory of bounded size; what has fallen out of it stands in the ledger. It says how a run ended and nothing of what it did.

use crate::client::Progress;
use dvt_model::id::{RunId, TenantId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are remembered: followers ask within moments, and each may have a thousand runs.
const MOST: usize = 2_048;

/// The last ends.
#[derive(Default)]
pub(crate) struct Ends(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_run: BTreeMap<RunId, (TenantId, Progress)>,
    in_order: VecDeque<RunId>,
}

impl Ends {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run has ended, and its end is durable.
    pub(crate) fn note(&self, tenant: TenantId, end: Progress) {
        let mut known = self.lock();
        let run = end.run_id;
        if known.by_run.insert(run, (tenant, end)).is_none() {
            known.in_order.push_back(run);
        }
        while known.in_order.len() > MOST {
            let oldest = known.in_order.pop_front();
            oldest.and_then(|oldest| known.by_run.remove(&oldest));
        }
    }

    /// How a run of this tenant ended, if that is remembered.
    pub(crate) fn of(&self, tenant: TenantId, run: RunId) -> Option<Progress> {
        let known = self.lock();
        let (whose, end) = known.by_run.get(&run)?;
        (*whose == tenant).then(|| end.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::run::RunStatus;

    fn end(number: u16) -> Progress {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Progress { run_id: RunId::from_random(bytes), last_run_seq: 5, status: RunStatus::Completed }
    }

    #[test]
    fn the_last_ones_are_known_to_their_tenant_alone() {
        let ends = Ends::default();
        let (mine, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        let count = u16::try_from(MOST).unwrap() + 1;
        for number in 0..count {
            ends.note(mine, end(number));
            ends.note(mine, end(number));
        }
        assert_eq!(ends.of(mine, end(0).run_id), None);
        for number in 1..count {
            assert_eq!(ends.of(mine, end(number).run_id), Some(end(number)));
            assert_eq!(ends.of(other, end(number).run_id), None);
        }
    }
}
