//! Plans that were checked a moment ago: the same document is not read, checked and bounded anew with each start of it.
//!
//! Known by tenant and digest, so that no tenant learns from the time of an answer what another one runs. It keeps no plan that
//! pins others, for those may be gone at the next start, and none that was refused. Memory is bounded by number and size.

use dvt_model::digest::Digest;
use dvt_model::id::TenantId;
use dvt_plan::plan::Plan;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many are kept.
const MOST: usize = 64;
/// The longest canonical document of a plan that is kept.
const LONGEST: usize = 64 * 1024;

/// A plan, and what it may cost.
#[derive(Clone)]
pub(crate) struct Checked {
    pub(crate) plan: Arc<Plan>,
    pub(crate) bounds: Value,
}

/// The last ones.
#[derive(Default)]
pub(crate) struct Plans(Mutex<Known>);

#[derive(Default)]
struct Known {
    checked: BTreeMap<(TenantId, Digest), Checked>,
    in_order: VecDeque<(TenantId, Digest)>,
}

impl Plans {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was checked under this digest for this tenant.
    pub(crate) fn of(&self, tenant: TenantId, digest: Digest) -> Option<Checked> {
        self.lock().checked.get(&(tenant, digest)).cloned()
    }

    /// Keeps what was checked, of a document of so many bytes.
    pub(crate) fn keep(&self, tenant: TenantId, (digest, bytes): (Digest, usize), checked: &Checked) {
        if bytes > LONGEST {
            return;
        }
        let mut known = self.lock();
        if known.checked.insert((tenant, digest), checked.clone()).is_none() {
            known.in_order.push_back((tenant, digest));
        }
        while known.in_order.len() > MOST {
            let oldest = known.in_order.pop_front();
            oldest.and_then(|oldest| known.checked.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dvt_plan::diagnostic::Source;
    use serde_json::json;

    #[test]
    fn the_last_ones_are_known_to_their_tenant_alone() {
        let text = "apiVersion: dvt/v1\nname: one\nsteps:\n  only: { uses: dvt/noop@1 }\n";
        let source = Source { name: "plan.yaml".to_owned(), text: text.to_owned() };
        let plan = Arc::new(dvt_plan::check(&source).checked.unwrap().plan);
        let checked = |number: usize| Checked { plan: Arc::clone(&plan), bounds: json!(number) };
        let (mine, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        let digest = |number: usize| Digest::of(&number.to_be_bytes());
        let plans = Plans::default();
        for number in 0..=MOST {
            plans.keep(mine, (digest(number), LONGEST), &checked(number));
            plans.keep(mine, (digest(number), LONGEST), &checked(number));
        }
        plans.keep(mine, (digest(MOST + 1), LONGEST + 1), &checked(MOST + 1));
        assert!(plans.of(mine, digest(0)).is_none() && plans.of(mine, digest(MOST + 1)).is_none());
        for number in 1..=MOST {
            assert_eq!(plans.of(mine, digest(number)).unwrap().bounds, json!(number));
            assert!(plans.of(other, digest(number)).is_none());
        }
    }
}
