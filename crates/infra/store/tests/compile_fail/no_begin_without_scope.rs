//! INV-08: a transaction begins with a scope, not with ids.
use dvt_model::scope::ScopeIds;
use dvt_store::Store;
use dvt_store::port::transaction::{Kind, TenantTx};

fn begin(store: &Store, ids: &ScopeIds) -> TenantTx {
    store.begin(ids, Kind::Act).unwrap()
}

fn main() {}
