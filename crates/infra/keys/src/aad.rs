//! Where a sealed value belongs: the authenticated data of every sealing (contract 6.4).

use dvt_model::canonical;
use dvt_model::id::{KeyId, TenantId};
use serde::Serialize;

/// The place of a sealed value. The id of the key is added by the key itself.
// INVARIANT(INV-16): a value opens at its own tenant, table, column, row and version, and nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aad<'a> {
    /// Whose it is.
    pub tenant: TenantId,
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row, by an id that was minted before the transaction: never an index.
    pub row_key: &'a str,
    /// The row's version; old ones stay readable as what they are.
    pub row_version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Canonical<'a> {
    v: u8,
    tenant_id: TenantId,
    table: &'a str,
    column: &'a str,
    row_key: &'a str,
    // As text, so that every version has a form that all readers of JSON keep.
    row_version: String,
    key_id: KeyId,
}

impl Aad<'_> {
    /// The canonical `{v, tenantId, table, column, rowKey, rowVersion, keyId}`.
    pub(crate) fn bytes(&self, key_id: KeyId) -> Result<Vec<u8>, crate::Error> {
        let Self { tenant, table, column, row_key, row_version } = *self;
        let row_version = row_version.to_string();
        canonical::of(&Canonical { v: 1, tenant_id: tenant, table, column, row_key, row_version, key_id })
            .map_err(|_| crate::Error::Refused)
    }
}
