//! INV-01: ids are no scope; only a `Minter` makes one.
use dvt_model::scope::{ScopeIds, TenantScope};

fn scope(ids: ScopeIds) -> TenantScope {
    TenantScope { tenant_id: ids.tenant_id, project_id: ids.project_id, environment_id: ids.environment_id }
}

fn main() {}
