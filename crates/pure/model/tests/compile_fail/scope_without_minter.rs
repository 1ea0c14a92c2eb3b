use dvt_model::id::{EnvironmentId, ProjectId, TenantId};
use dvt_model::scope::TenantScope;

fn main() {
    let _scope = TenantScope {
        tenant_id: TenantId::from_random([1; 16]),
        project_id: ProjectId::from_random([2; 16]),
        environment_id: EnvironmentId::from_random([3; 16]),
    };
}
