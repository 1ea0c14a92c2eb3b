//! Rows of `wrapped_key`: how they are read and inserted. What a key opens is none of its business.

use crate::port::error::Error;
use crate::sqlite::{Cached, Sql, column};
use dvt_keys::{Purpose, WrappedKey};
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, TenantId};
use rusqlite::{Connection, Row, params};

/// The rows that are reserved of a data key at once (contract 6.4): a crash loses at most so many of its 10^7.
pub(crate) const RESERVED_AT_ONCE: u64 = 1 << 16;
/// The most rows that one data key seals.
pub(crate) const MOST_ROWS: u64 = 10_000_000;

/// The columns that [`wrapped`] expects, in its order.
pub(crate) const COLUMNS: &str = "key_id, purpose, subject, class, epoch, created_at, wrapped, audit_wrapped";

/// Reads a row of [`COLUMNS`].
pub(crate) fn wrapped(row: &Row<'_>) -> rusqlite::Result<Result<WrappedKey, Error>> {
    let id: Vec<u8> = row.get(0)?;
    let purpose: String = row.get(1)?;
    let class: Option<String> = row.get(3)?;
    let (subject, epoch, created, bytes, audit) =
        (row.get(2)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
    let read = || -> Result<WrappedKey, Error> {
        Ok(WrappedKey {
            key_id: column::id(&id, KeyId::from_bytes)?,
            purpose: column::word(Purpose::parse(&purpose), "a purpose")?,
            subject,
            class: class.map(|class| column::word(PayloadClass::parse(&class), "a class")).transpose()?,
            epoch,
            created_at: column::time(created),
            wrapped: bytes,
            audit_wrapped: audit,
        })
    };
    Ok(read())
}

/// Inserts wrapped keys; one that is there already stays as it is. Who inserts a data key has its first reserved rows.
pub(crate) fn insert(connection: &Connection, tenant: TenantId, keys: &[WrappedKey]) -> rusqlite::Result<()> {
    for key in keys {
        let reserved = if key.purpose == Purpose::Dek { RESERVED_AT_ONCE } else { 0 };
        connection
            .prepare_cached(
                "INSERT INTO wrapped_key (tenant_id, key_id, purpose, subject, class, epoch, created_at, wrapped, audit_wrapped,
                    rows_sealed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (tenant_id, key_id) DO NOTHING",
            )?
            .execute(params![
                tenant.bytes(),
                key.key_id.bytes(),
                key.purpose.as_str(),
                key.subject,
                key.class.map(PayloadClass::as_str),
                key.epoch,
                key.created_at.ms(),
                key.wrapped,
                key.audit_wrapped,
                column::signed(reserved)
            ])?;
    }
    Ok(())
}

/// Reserves rows of a data key, in a transaction; `None` where it is used up. Gives whether it should be replaced soon.
pub(crate) fn reserve(
    connection: &Connection,
    tenant: TenantId,
    key: KeyId,
) -> rusqlite::Result<Option<bool>> {
    let changed = connection
        .prepare_cached(
            "UPDATE wrapped_key SET rows_sealed = rows_sealed + ?3
             WHERE tenant_id = ?1 AND key_id = ?2 AND purpose = 'dek' AND rows_sealed + ?3 <= ?4",
        )?
        .execute(params![
            tenant.bytes(),
            key.bytes(),
            column::signed(RESERVED_AT_ONCE),
            column::signed(MOST_ROWS)
        ])?;
    if changed == 0 {
        return Ok(None);
    }
    let sealed: i64 = connection
        .prepare_cached("SELECT rows_sealed FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2")?
        .query_row(params![tenant.bytes(), key.bytes()], |row| row.get(0))?;
    Ok(Some(sealed >= column::signed(MOST_ROWS / 10 * 9)))
}

/// The rows of keys that are opened together: all but those of runs and of what they hold about persons.
pub(crate) fn of_tenant(connection: &Connection, tenant: TenantId) -> Result<Vec<WrappedKey>, Error> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose NOT IN ('run', 'subject')"
        ))
        .sql()?;
    let rows = statement.query_map([tenant.bytes()], wrapped).sql()?;
    rows.map(|row| row.sql()?).collect()
}

/// Whether a file holds the platform's audit key.
pub(crate) fn holds_audit_key(connection: &Connection, tenant: TenantId) -> Result<bool, Error> {
    let found: i64 = connection
        .cached_row(
            "SELECT count(*) FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2",
            params![tenant.bytes(), Purpose::AuditKek.as_str()],
            |row| row.get(0),
        )
        .sql()?;
    Ok(found > 0)
}
