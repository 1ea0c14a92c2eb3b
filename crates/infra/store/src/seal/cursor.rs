//! Cursors: where the next page begins, sealed under the tenant's data key and bound to scope and query, so that a cursor
//! tells nothing and one of another tenant, scope or list opens nothing.

use super::keyring::SealKey;
use crate::port::error::Error;
use crate::tenant::Ground;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dvt_model::scope::TenantScope;

const TABLE: &str = "cursor";
/// Every cursor begins with it: base64url alone may begin with `-`, which a shell command reads as an option.
const MARK: &str = "c1.";

fn row(scope: &TenantScope) -> String {
    format!("{}|{}", scope.project().key(), scope.environment().key())
}

/// Seals a place in the list `query`.
pub(crate) fn seal(tenant: &Ground, scope: &TenantScope, query: &str, place: &[u8]) -> Result<String, Error> {
    let sealed = SealKey::Tenant.seal(&tenant.keyring, (TABLE, query), &row(scope), 0, place)?;
    Ok(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(sealed)))
}

/// Opens a cursor; whatever is wrong with it is one answer.
pub(crate) fn open(
    tenant: &Ground,
    scope: &TenantScope,
    query: &str,
    cursor: &str,
) -> Result<Vec<u8>, Error> {
    let sealed = cursor.strip_prefix(MARK).ok_or_else(Error::cursor)?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Error::cursor())?;
    SealKey::Tenant
        .open(&tenant.keyring, (TABLE, query), &row(scope), 0, &sealed)
        .map_err(|_| Error::cursor())
}
