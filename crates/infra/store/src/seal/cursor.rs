//! Cursors: where the next page begins, sealed under the tenant's data key and bound to scope and query, so that a cursor
//! tells nothing and one of another tenant, scope or list opens nothing.

use super::keyring::SealKey;
use crate::port::error::Error;
use crate::tenant::Ground;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dvt_model::id::KeyId;
use dvt_model::scope::TenantScope;
use rusqlite::Connection;

const TABLE: &str = "cursor";
/// Every cursor begins with it: base64url alone may begin with `-`, which a shell command reads as an option.
const MARK: &str = "c1.";

fn row(scope: &TenantScope) -> String {
    format!("{}|{}", scope.project().key(), scope.environment().key())
}

/// Seals a place in the list `query`.
pub(crate) fn seal(tenant: &Ground, scope: &TenantScope, query: &str, place: &[u8]) -> Result<String, Error> {
    let key = tenant.keyring.tenant_key()?;
    let sealed = key.seal(&tenant.keyring, (TABLE, query), &row(scope), 0, place)?;
    let key = key.id().key();
    Ok(format!("{MARK}{key}.{}", URL_SAFE_NO_PAD.encode(sealed)))
}

/// Opens a cursor; whatever is wrong with it is one answer.
pub(crate) fn open(
    tenant: &Ground,
    lane: &Connection,
    (scope, query): (&TenantScope, &str),
    cursor: &str,
) -> Result<Vec<u8>, Error> {
    // The key is named, so that a cursor stays good over the replacement of the data key.
    let (key, sealed) =
        cursor.strip_prefix(MARK).and_then(|rest| rest.split_once('.')).ok_or_else(Error::cursor)?;
    let key = KeyId::parse_key(key).map_err(|_| Error::cursor())?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Error::cursor())?;
    let Some(key @ SealKey::Tenant(..)) = tenant.keyring.seal_key(lane, key)? else {
        return Err(Error::cursor());
    };
    key.open(&tenant.keyring, (TABLE, query), &row(scope), 0, &sealed).map_err(|_| Error::cursor())
}
