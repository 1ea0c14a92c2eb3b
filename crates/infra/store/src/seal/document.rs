//! Plan documents, member names and snapshots: one sealed column each, bound to its row.

use super::keyring::SealKey;
use crate::port::error::Error;
use crate::tenant::Ground;
use dvt_model::canonical;
use serde_json::Value;

/// Which column of which row.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    /// The table.
    pub(crate) table: &'a str,
    /// The column.
    pub(crate) column: &'a str,
    /// The row's id, minted before the transaction.
    pub(crate) row: &'a str,
    /// Its version, where rows are replaced.
    pub(crate) version: u64,
}

/// Seals a JSON value in its canonical form.
pub(crate) fn seal(tenant: &Ground, key: &SealKey, cell: Cell<'_>, value: &Value) -> Result<Vec<u8>, Error> {
    let bytes =
        canonical::to_bytes(value).map_err(|error| Error::Contract(format!("a document: {error}")))?;
    key.seal(&tenant.keyring, (cell.table, cell.column), cell.row, cell.version, &bytes)
}

/// Opens it.
pub(crate) fn open(tenant: &Ground, key: &SealKey, cell: Cell<'_>, sealed: &[u8]) -> Result<Value, Error> {
    let bytes = key.open(&tenant.keyring, (cell.table, cell.column), cell.row, cell.version, sealed)?;
    serde_json::from_slice(&bytes).map_err(|_| Error::Decrypt)
}

/// The row key of a setting.
pub(crate) fn setting_row(place: &dvt_model::scope::ScopeIds, kind: &str, name: &str) -> String {
    format!("{}|{}|{kind}|{name}", place.project_id.key(), place.environment_id.key())
}

/// The row key of a plan version.
pub(crate) fn plan_row(plan: dvt_model::id::PlanId, version: &str) -> String {
    format!("{}|{version}", plan.key())
}
