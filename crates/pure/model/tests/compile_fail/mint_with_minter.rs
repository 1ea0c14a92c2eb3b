use dvt_model::id::{EnvironmentId, ProjectId, TenantId};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};

fn main() {
    let ids = ScopeIds {
        tenant_id: TenantId::from_random([1; 16]),
        project_id: ProjectId::from_random([2; 16]),
        environment_id: EnvironmentId::from_random([3; 16]),
    };
    let minter = Minter::behind_the_test_seam();
    assert_eq!(TenantScope::mint(&minter, ids).ids(), ids);
}
