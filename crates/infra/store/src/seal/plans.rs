//! Plan documents that were sealed a moment ago: each start of a plan brings its document along, and the row that it would get is the
//! same.
//!
//! It keeps what lies in the row or would, never a document in clear. A minute at most, and only under the data key in use, so
//! that nothing comes back under a key that was replaced. Surprising: the same ciphertext may be inserted again where the row's
//! document had ended; it is the same value at the same place, so nonce and place stay one.

use dvt_model::digest::Digest;
use dvt_model::id::KeyId;
use dvt_model::run::PlanRef;
use dvt_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many are kept, of what length at most, and for how long.
const MOST: usize = 64;
const LONGEST: usize = 64 * 1024;
const KEPT_MS: u64 = 60 * 1_000;

/// The last ones.
#[derive(Default)]
pub(crate) struct SealedPlans(Mutex<BTreeMap<Digest, Kept>>);

struct Kept {
    plan: PlanRef,
    key: KeyId,
    sealed: Arc<Vec<u8>>,
    since: Timestamp,
}

impl SealedPlans {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The row's sealed document, if it was made under this key a moment ago.
    pub(crate) fn of(&self, plan: &PlanRef, key: KeyId, now: Timestamp) -> Option<Arc<Vec<u8>>> {
        let kept = self.lock();
        let found = kept.get(&plan.digest)?;
        let is_it = found.plan == *plan && found.key == key && now.ms_since(found.since) <= KEPT_MS;
        is_it.then(|| Arc::clone(&found.sealed))
    }

    /// Keeps one.
    pub(crate) fn keep(&self, plan: &PlanRef, key: KeyId, sealed: &Arc<Vec<u8>>, now: Timestamp) {
        if sealed.len() > LONGEST {
            return;
        }
        let mut kept = self.lock();
        if kept.len() >= MOST {
            kept.retain(|_, old| now.ms_since(old.since) <= KEPT_MS);
        }
        if kept.len() >= MOST {
            kept.clear();
        }
        let entry = Kept { plan: plan.clone(), key, sealed: Arc::clone(sealed), since: now };
        kept.insert(plan.digest, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_model::id::PlanId;

    fn plan(number: u8, version: &str) -> PlanRef {
        PlanRef {
            plan_id: PlanId::from_random([number; 16]),
            plan_version: version.to_owned(),
            digest: Digest::of(&[number]),
        }
    }

    #[test]
    fn a_sealed_plan_is_that_of_its_row_its_key_and_its_minute() {
        let plans = SealedPlans::default();
        let (key, other) = (KeyId::from_random([1; 16]), KeyId::from_random([2; 16]));
        let at = |ms: i64| Timestamp::from_ms(1_790_000_000_000 + ms);
        let sealed = Arc::new(vec![7; LONGEST]);
        plans.keep(&plan(1, "1.0.0"), key, &sealed, at(0));
        assert_eq!(plans.of(&plan(1, "1.0.0"), key, at(60_000)), Some(Arc::clone(&sealed)));
        assert_eq!(plans.of(&plan(1, "1.0.0"), key, at(60_001)), None);
        assert_eq!(plans.of(&plan(1, "1.0.0"), other, at(0)), None);
        assert_eq!(plans.of(&plan(1, "1.0.1"), key, at(0)), None);
        assert_eq!(plans.of(&plan(2, "1.0.0"), key, at(0)), None);
        plans.keep(&plan(2, "1.0.0"), key, &Arc::new(vec![7; LONGEST + 1]), at(0));
        assert_eq!(plans.of(&plan(2, "1.0.0"), key, at(0)), None, "too long to be kept");
        for number in 0..=255 {
            plans.keep(&plan(number, "1.0.0"), key, &sealed, at(1));
            assert!(plans.lock().len() <= MOST);
        }
    }
}
