//! Reads of a transaction: each runs on a lane, binds the tenant, and gives only what the scope covers.

pub(crate) mod events;
pub(crate) mod ledger;
pub(crate) mod members;
pub(crate) mod plans;
pub(crate) mod proof;
pub(crate) mod queue;
pub(crate) mod runs;
pub(crate) mod settings;
pub(crate) mod snapshot;

use crate::tenant::Tenant;
use dvt_model::scope::TenantScope;
use std::sync::Arc;

/// Who reads.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) scope: TenantScope,
}

impl Reader {
    /// `covers` (contract 1.1) as bound values of the predicate
    /// `(?p IS NULL OR project_id = ?p) AND (?e IS NULL OR environment_id = ?e)`: NULL where the scope has the root one.
    pub(crate) fn reach(&self) -> (Option<[u8; 16]>, Option<[u8; 16]>) {
        let root = self.tenant.root;
        let project = (self.scope.project() != root.project_id).then(|| self.scope.project().bytes());
        let environment =
            (self.scope.environment() != root.environment_id).then(|| self.scope.environment().bytes());
        (project, environment)
    }
}
