//! Which packed files a worker was given, and which of them it may forget: it keeps those that were used last.
//!
//! What one tenant gave is not another's to name: each gives its own, also where the worker has the same bytes already.

use dvt_model::digest::Digest;
use dvt_model::id::TenantId;
use std::collections::{BTreeMap, BTreeSet};

/// Bundles that a worker keeps, at most, and their bytes.
const MOST: usize = 32;
const MOST_BYTES: usize = 256 << 20;

/// What a worker was given.
#[derive(Default)]
pub(super) struct Given {
    bundles: BTreeMap<Digest, Bundle>,
    /// Uses so far; each has its number.
    uses: u64,
}

struct Bundle {
    tenants: BTreeSet<TenantId>,
    bytes: usize,
    last_use: u64,
}

impl Given {
    /// Whether the worker has it of this tenant.
    pub(super) fn has(&self, tenant: TenantId, digest: Digest) -> bool {
        self.bundles.get(&digest).is_some_and(|bundle| bundle.tenants.contains(&tenant))
    }

    /// It is used now, and given where its bytes are said. What the worker is to forget for it.
    pub(super) fn used(&mut self, tenant: TenantId, digest: Digest, given: Option<usize>) -> Vec<Digest> {
        self.uses += 1;
        let fresh = || Bundle { tenants: BTreeSet::new(), bytes: 0, last_use: 0 };
        let bundle = self.bundles.entry(digest).or_insert_with(fresh);
        bundle.last_use = self.uses;
        bundle.tenants.insert(tenant);
        let Some(bytes) = given else { return Vec::new() };
        bundle.bytes = bytes;
        let mut forgotten = Vec::new();
        while self.bundles.len() > MOST || self.bytes() > MOST_BYTES {
            let others = self.bundles.iter().filter(|(known, _)| **known != digest);
            let Some((oldest, _)) = others.min_by_key(|(_, bundle)| bundle.last_use) else { break };
            let oldest = *oldest;
            self.forget(oldest);
            forgotten.push(oldest);
        }
        forgotten
    }

    fn bytes(&self) -> usize {
        self.bundles.values().map(|bundle| bundle.bytes).sum()
    }

    /// The worker has it no more, whoever gave it.
    pub(super) fn forget(&mut self, digest: Digest) {
        self.bundles.remove(&digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u8) -> TenantId {
        TenantId::from_random([number; 16])
    }

    fn digest(number: usize) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn the_last_used_are_kept_and_the_rest_is_forgotten_once_it_is_too_much() {
        let mut given = Given::default();
        for number in 0..MOST {
            assert_eq!(given.used(tenant(1), digest(number), Some(1)), []);
        }
        assert_eq!(given.used(tenant(1), digest(0), None), [], "used again");
        assert_eq!(given.used(tenant(1), digest(MOST), Some(1)), [digest(1)]);
        assert!(given.has(tenant(1), digest(0)) && !given.has(tenant(1), digest(1)));
        // Few that are large.
        let forgotten = given.used(tenant(1), digest(MOST + 1), Some(MOST_BYTES));
        assert_eq!(forgotten.len(), MOST);
        assert_eq!(forgotten.last(), Some(&digest(MOST)), "the last used goes last");
        // One alone stays, however large.
        assert!(given.has(tenant(1), digest(MOST + 1)));
    }

    #[test]
    fn what_a_tenant_gave_is_its_own_and_forgotten_for_all() {
        let mut given = Given::default();
        given.used(tenant(1), digest(1), Some(MOST_BYTES / 2));
        assert!(!given.has(tenant(2), digest(1)));
        assert_eq!(given.used(tenant(2), digest(1), Some(MOST_BYTES / 2)), [], "the same bytes count once");
        assert_eq!(given.used(tenant(1), digest(2), Some(MOST_BYTES / 2)), []);
        assert_eq!(given.used(tenant(1), digest(3), Some(1)), [digest(1)]);
        assert!(!given.has(tenant(1), digest(1)) && !given.has(tenant(2), digest(1)));
    }
}
