//! Who may make a scope: one [`Minter`] per process.
//!
//! INVARIANT(INV-01): a [`TenantScope`] has private fields and its only constructor takes the `Minter`. The composition
//! root makes the one `Minter` of a process and hands it to two places: `access` (after it has verified a credential)
//! and the store's recovery (which takes the scope from the row that names the run). `cargo xtask tidy` lists its users.

use crate::id::{EnvironmentId, ProjectId, TenantId};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};

/// The right to make scopes, contexts and proofs. Not `Clone`: it is lent, never copied.
#[derive(Debug)]
pub struct Minter(());

static MADE: AtomicBool = AtomicBool::new(false);

impl Minter {
    /// The one minter of this process; `None` when it was already made. For the composition root alone.
    pub fn for_composition_root() -> Option<Self> {
        (!MADE.swap(true, Ordering::SeqCst)).then_some(Self(()))
    }

    /// A minter for tests, as many as they like. `cargo xtask tidy` refuses its name outside tests and testkit.
    #[doc(hidden)]
    pub fn behind_the_test_seam() -> Self {
        Self(())
    }
}

/// Tenant, project and environment: always all three, never null, no default, immutable (contract 1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantScope {
    tenant_id: TenantId,
    project_id: ProjectId,
    environment_id: EnvironmentId,
}

/// The three ids as read from somewhere: data, not a right. Only a [`Minter`] turns them into a [`TenantScope`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScopeIds {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment_id: EnvironmentId,
}

impl TenantScope {
    /// Makes a scope from ids that a verified credential, or the row that names a run, carries.
    pub fn mint(_: &Minter, ids: ScopeIds) -> Self {
        Self { tenant_id: ids.tenant_id, project_id: ids.project_id, environment_id: ids.environment_id }
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant_id
    }

    /// The project.
    pub fn project(&self) -> ProjectId {
        self.project_id
    }

    /// The environment.
    pub fn environment(&self) -> EnvironmentId {
        self.environment_id
    }

    /// The ids as plain data, for envelopes and rows.
    pub fn ids(&self) -> ScopeIds {
        ScopeIds {
            tenant_id: self.tenant_id,
            project_id: self.project_id,
            environment_id: self.environment_id,
        }
    }
}

/// The root project and root environment of a tenant: what a tenant-wide scope carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Root {
    /// The tenant's root project.
    pub project_id: ProjectId,
    /// The tenant's root environment.
    pub environment_id: EnvironmentId,
}

/// How a scope lies to the ids of a thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cover {
    /// The scope reaches the thing.
    Covered,
    /// Same tenant, another project or environment: the ordinary 404.
    Elsewhere,
    /// Another tenant: `TENANT_ISOLATION_VIOLATION`, Sev0.
    ForeignTenant,
}

/// `covers(ctx, x)` of contract 1.1: equal tenants, and project and environment are each the root one or x's.
// INVARIANT(INV-01): every line that holds a scope and a thing asks this function and no other.
pub fn covers(scope: &TenantScope, root: &Root, thing: &ScopeIds) -> Cover {
    if scope.tenant_id != thing.tenant_id {
        return Cover::ForeignTenant;
    }
    let project = scope.project_id == root.project_id || scope.project_id == thing.project_id;
    let environment =
        scope.environment_id == root.environment_id || scope.environment_id == thing.environment_id;
    if project && environment { Cover::Covered } else { Cover::Elsewhere }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(tenant: u8, project: u8, environment: u8) -> ScopeIds {
        ScopeIds {
            tenant_id: TenantId::from_random([tenant; 16]),
            project_id: ProjectId::from_random([project; 16]),
            environment_id: EnvironmentId::from_random([environment; 16]),
        }
    }

    #[test]
    fn a_scope_covers_its_own_and_the_root_covers_all_of_the_tenant() {
        let minter = Minter::behind_the_test_seam();
        let root = Root { project_id: ids(1, 0, 0).project_id, environment_id: ids(1, 0, 0).environment_id };
        let narrow = TenantScope::mint(&minter, ids(1, 2, 3));
        let wide = TenantScope::mint(&minter, ids(1, 0, 0));
        assert_eq!(covers(&narrow, &root, &ids(1, 2, 3)), Cover::Covered);
        assert_eq!(covers(&narrow, &root, &ids(1, 2, 4)), Cover::Elsewhere);
        assert_eq!(covers(&narrow, &root, &ids(1, 4, 3)), Cover::Elsewhere);
        assert_eq!(covers(&narrow, &root, &ids(1, 0, 0)), Cover::Elsewhere);
        assert_eq!(covers(&wide, &root, &ids(1, 9, 9)), Cover::Covered);
        assert_eq!(covers(&wide, &root, &ids(2, 0, 0)), Cover::ForeignTenant);
        assert_eq!(covers(&narrow, &root, &ids(2, 2, 3)), Cover::ForeignTenant);
    }

    #[test]
    fn a_process_has_one_minter() {
        assert!(Minter::for_composition_root().is_some());
        assert!(Minter::for_composition_root().is_none());
    }
}
