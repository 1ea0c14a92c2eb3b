//! A seam for positive controls: with it a test weakens one rule and shows that its own check would notice.
//!
//! Only compiled with the feature `weakened`, which no shipped crate turns on, and then for the named tenant alone.

use dvt_model::id::TenantId;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static IN_CLEAR: Mutex<BTreeSet<TenantId>> = Mutex::new(BTreeSet::new());

/// From now on payload rows of this tenant are stored as they are.
pub fn store_payloads_in_clear(tenant: TenantId) {
    IN_CLEAR.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
}

static NOTHING_SEALED: Mutex<BTreeSet<TenantId>> = Mutex::new(BTreeSet::new());

/// From now on nothing of this tenant is sealed; what is written so cannot be opened again.
pub fn seal_nothing(tenant: TenantId) {
    NOTHING_SEALED.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
}

pub(crate) fn seals_nothing(tenant: TenantId) -> bool {
    NOTHING_SEALED.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant)
}

pub(crate) fn payloads_in_clear(tenant: TenantId) -> bool {
    IN_CLEAR.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant)
}
