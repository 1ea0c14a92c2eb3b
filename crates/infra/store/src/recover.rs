//! Recovery: runs that have not ended, each with a scope minted from the row that names it.
//!
//! INVARIANT(INV-01): the ids come from the tenant's own file, never from a caller. Beside it the store mints one scope more: that
//! of a tenant being made, whose root ids it is given by the profile's first start.

use crate::port::error::Error;
use crate::port::operation::OpenRun;
use crate::read::runs;
use crate::sqlite::Sql;
use crate::tenant::Tenant;
use dvt_model::scope::{Minter, TenantScope};
use std::sync::Arc;

/// All open runs of a tenant, oldest first.
pub(crate) async fn open_runs(tenant: &Arc<Tenant>, minter: Arc<Minter>) -> Result<Vec<OpenRun>, Error> {
    let id = tenant.id;
    let work = move |lane: &rusqlite::Connection| {
        let columns = runs::COLUMNS;
        let mut statement = lane
            .prepare_cached(&format!(
                "SELECT {columns} FROM run WHERE tenant_id = ?1 AND open = 1 ORDER BY queued_at, run_id"
            ))
            .sql()?;
        let rows = statement.query_map([id.bytes()], |row| runs::read(id, row)).sql()?;
        rows.map(|row| {
            let row = row.sql()??;
            Ok(OpenRun { scope: TenantScope::mint(&minter, row.metadata.scope), row })
        })
        .collect()
    };
    tenant.lanes.run(work).await
}
