//! The key of one backup: drawn for it, wrapped by the root, and of no use for anything else.
//!
//! It refuses to be derived: whoever has the backup and not the root key has bytes.

use crate::data::DataKey;
use crate::error::Error;
use crate::root::RootKey;
use crate::wrap::{self, Above, Label, Purpose, WrappedKey};
use dvt_model::id::TenantId;
use dvt_model::time::Timestamp;

/// Draws the key of a backup of the installation whose platform tenant is `platform`.
pub fn create(root: &RootKey, platform: TenantId, now: Timestamp) -> Result<(DataKey, WrappedKey), Error> {
    let label = Label::first(Purpose::Backup);
    let (id, secret, row) = wrap::create((Above::Root, &root.secret()?), platform, &label, now)?;
    Ok((DataKey::new(id, secret), row))
}

/// Opens it.
pub fn open(root: &RootKey, platform: TenantId, row: &WrappedKey) -> Result<DataKey, Error> {
    let secret = root.secret()?;
    let key = wrap::unwrap((Above::Root, &secret), platform, row, Purpose::Backup, &row.wrapped)?;
    Ok(DataKey::new(row.key_id, key))
}
