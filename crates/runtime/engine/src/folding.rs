//! Who makes a run hot, or claims a tenant: one at a time for each run, be it a fold or the admission that queues it; for each tenant.
//!
//! An admission is over only when its run is hot; else a fold would find the run in the ledger and warm it a second time. Nobody
//! waits for somebody else's run, however long its ledger is.
// INVARIANT(INV-12): the fold of a long run holds up no start and no act of another tenant.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The runs that somebody makes hot just now, or the tenants that somebody claims.
pub(crate) struct Folding<K>(Mutex<BTreeMap<K, Arc<AsyncMutex<()>>>>);

impl<K> Default for Folding<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// While this lives nobody else makes the run hot.
pub(crate) struct Alone<'a, K: Ord + Copy> {
    folding: &'a Folding<K>,
    run: K,
    held: Option<OwnedMutexGuard<()>>,
}

impl<K: Ord + Copy> Folding<K> {
    /// Waits until nobody else makes this run hot.
    pub(crate) async fn alone(&self, run: K) -> Alone<'_, K> {
        let of_run = Arc::clone(self.runs().entry(run).or_default());
        // From here on, so that whoever goes away while it waits leaves nothing either.
        let mut alone = Alone { folding: self, run, held: None };
        alone.held = Some(of_run.lock_owned().await);
        alone
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<K, Arc<AsyncMutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Copy> Drop for Alone<'_, K> {
    fn drop(&mut self) {
        drop(self.held.take());
        let mut runs = self.folding.runs();
        // Whoever waits for it has one of its own.
        if runs.get(&self.run).is_some_and(|of_run| Arc::strong_count(of_run) == 1) {
            runs.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::id::RunId;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn is_ready<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_run_is_made_hot_by_one_and_no_run_waits_for_another() {
        let (folding, mine, other) =
            (Folding::default(), RunId::from_random([1; 16]), RunId::from_random([2; 16]));
        let mut first = Box::pin(folding.alone(mine));
        let Poll::Ready(held) = first.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("nobody else has it")
        };
        let mut second = Box::pin(folding.alone(mine));
        assert!(!is_ready(second.as_mut()));
        assert!(is_ready(pin!(folding.alone(other))), "another run's fold waits for nobody");
        drop(held);
        assert!(is_ready(second.as_mut()));
        drop((first, second));
        // Somebody who went away while he waited.
        let mut third = Box::pin(folding.alone(mine));
        assert!(is_ready(third.as_mut()));
        drop(third);
        assert!(folding.runs().is_empty(), "nothing is left of runs that are hot");
    }
}
