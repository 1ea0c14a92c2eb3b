//! Settings of a scope, opened.

use super::Reader;
use crate::port::error::Error;
use crate::port::operation::SettingRow;
use crate::seal::document::{self, Cell, setting_row};
use crate::sqlite::{Cached, Sql, column};
use dvt_model::id::KeyId;
use rusqlite::{Connection, OptionalExtension, params};

/// A setting of this very scope.
pub(crate) fn one(
    reader: &Reader,
    lane: &Connection,
    kind: &str,
    name: &str,
) -> Result<Option<SettingRow>, Error> {
    let place = reader.scope.ids();
    let row: Option<(i64, Vec<u8>, Vec<u8>, i64)> = lane
        .cached_row(
            "SELECT row_version, key_id, sealed, changed_at FROM setting
             WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND kind = ?4 AND name = ?5",
            params![
                reader.tenant.id.bytes(),
                place.project_id.bytes(),
                place.environment_id.bytes(),
                kind,
                name
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()
        .sql()?;
    let Some((version, key, sealed, changed)) = row else { return Ok(None) };
    let version = column::unsigned(version)?;
    let key = reader.tenant.keyring.seal_key(lane, column::id(&key, KeyId::from_bytes)?)?;
    let key = key.ok_or(Error::Decrypt)?;
    // The version in the AAD is the row's: an older value put in its place does not open.
    let row = setting_row(&place, kind, name);
    let cell = Cell { table: "setting", column: "sealed", row: &row, version };
    let value = document::open(&reader.tenant, &key, cell, &sealed)?;
    Ok(Some(SettingRow { version, value, changed_at: column::time(changed) }))
}
