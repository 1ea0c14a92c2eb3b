//! The keys of a run and of a person, and what goes with one of them.

use crate::commit::group::{Group, Stop};
use crate::port::error::{Error, Refusal};
use crate::seal::keyring::SEVERAL;
use crate::sqlite::{Cached, Sql, column};
use dvt_model::entry::PayloadClass;
use dvt_model::id::{BlobId, KeyId, RunId, TenantId};
use rusqlite::{Connection, Row, params};

/// A key that is to end, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) key: KeyId,
    pub(crate) version: i64,
    pub(crate) class: PayloadClass,
    pub(crate) run: RunId,
    /// The person, as keys name it; [`SEVERAL`] for several.
    pub(crate) person: Option<String>,
}

const COLUMNS: &str = "key_id, row_version, class, subject";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Ending, Error>> {
    let (key, version): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
    let (class, subject): (String, String) = (row.get(2)?, row.get(3)?);
    let read = || {
        let (person, run) = match subject.split_once('|') {
            Some((person, run)) => (Some(person.to_owned()), run),
            None => (None, subject.as_str()),
        };
        Ok(Ending {
            key: column::id(&key, KeyId::from_bytes)?,
            version,
            class: column::word(PayloadClass::parse(&class), "a class")?,
            run: column::word(RunId::parse(run).ok(), "a run")?,
            person,
        })
    };
    Ok(read())
}

/// All keys of a run, those about persons too.
pub(crate) fn of_run(connection: &Connection, tenant: TenantId, run: RunId) -> Result<Vec<Ending>, Error> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'run' AND subject = ?2
             UNION ALL
             SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'subject' AND substr(subject, -40) = ?2"
        ))
        .sql()?;
    let rows = statement.query_map(params![tenant.bytes(), run.to_string()], read).sql()?;
    rows.map(|row| row.sql()?).collect()
}

/// All keys about a person. First those of what is told of several in runs that know the person: as long as one of them
/// stands, the person's own keys must, or nobody would know any more that it is about the person too.
pub(crate) fn of_person(
    connection: &Connection,
    tenant: TenantId,
    person: &str,
) -> Result<Vec<Ending>, Error> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'subject' AND subject IN (
                SELECT '{SEVERAL}' || substr(subject, instr(subject, '|')) FROM wrapped_key
                WHERE tenant_id = ?1 AND purpose = 'subject' AND subject >= ?2 AND subject < ?3)
             UNION ALL
             SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'subject' AND subject >= ?2 AND subject < ?3"
        ))
        .sql()?;
    // `}` is the character after `|`.
    let rows = statement
        .query_map(params![tenant.bytes(), format!("{person}|"), format!("{person}}}")], read)
        .sql()?;
    rows.map(|row| row.sql()?).collect()
}

/// Keys of runs whose rows are gone, which have outlived them.
pub(crate) fn outliving(
    connection: &Connection,
    tenant: TenantId,
    class: PayloadClass,
    before: i64,
    most: u32,
) -> Result<Vec<Ending>, Error> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND retired_at <= ?2 AND purpose IN ('run', 'subject')
             AND class = ?3 ORDER BY retired_at LIMIT ?4"
        ))
        .sql()?;
    let rows = statement.query_map(params![tenant.bytes(), before, class.as_str(), most], read).sql()?;
    rows.map(|row| row.sql()?).collect()
}

/// The first and the last index of a payload under a key.
pub(crate) fn range(
    connection: &Connection,
    tenant: TenantId,
    ending: &Ending,
) -> Result<Option<(u64, u64)>, Error> {
    let found: (Option<i64>, Option<i64>) = connection
        .cached_row(
            "SELECT min(first_index), max(first_index) FROM ledger_payload WHERE tenant_id = ?1 AND key_id = ?2
             AND first_index IN (SELECT first_index FROM ledger_block WHERE tenant_id = ?1 AND run_id = ?3)",
            params![tenant.bytes(), ending.key.bytes(), ending.run.bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .sql()?;
    Ok(match found {
        (Some(from), Some(to)) => Some((column::unsigned(from)?, column::unsigned(to)?)),
        _ => None,
    })
}

/// Ends a key: its row, the payloads, blobs and snapshot under it. Gives the blobs whose files are to go.
// INVARIANT(INV-22): what is erased is the key, and every sealed byte under it that the tables hold; envelope and leaf stay.
pub(crate) fn end(group: &Group<'_>, ending: &Ending) -> Result<Vec<BlobId>, Stop> {
    let (connection, tenant) = (group.connection, group.tenant.bytes());
    let (key, run) = (ending.key.bytes(), ending.run.bytes());
    let gone = connection
        .prepare_cached("DELETE FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND row_version = ?3")?
        .execute(params![tenant, key, ending.version])?;
    if gone != 1 {
        return Err(Refusal::VersionConflict.into());
    }
    connection
        .prepare_cached(
            "DELETE FROM ledger_payload WHERE tenant_id = ?1 AND key_id = ?2 AND first_index IN (
                SELECT first_index FROM ledger_block WHERE tenant_id = ?1 AND run_id = ?3)",
        )?
        .execute(params![tenant, key, run])?;
    // A snapshot holds what all of the run's payloads said, whatever key they are under.
    connection
        .prepare_cached("DELETE FROM snapshot WHERE tenant_id = ?1 AND run_id = ?2")?
        .execute(params![tenant, run])?;
    let mut statement =
        connection.prepare_cached("SELECT blob_id FROM blob WHERE tenant_id = ?1 AND key_id = ?2")?;
    let rows = statement.query_map(params![tenant, key], |row| row.get::<_, Vec<u8>>(0))?;
    let mut blobs = Vec::new();
    for row in rows {
        blobs.push(column::id(&row?, BlobId::from_bytes)?);
    }
    // The row of a log stays without its file, so that whoever asks is told that it was erased.
    connection
        .prepare_cached("DELETE FROM blob WHERE tenant_id = ?1 AND key_id = ?2 AND kind <> 'log'")?
        .execute(params![tenant, key])?;
    Ok(blobs)
}

/// Whether a key is still as it was seen.
pub(crate) fn is_there(connection: &Connection, tenant: TenantId, ending: &Ending) -> Result<bool, Error> {
    connection
        .cached_row(
            "SELECT EXISTS (SELECT 1 FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND row_version = ?3)",
            params![tenant.bytes(), ending.key.bytes(), ending.version],
            |row| row.get(0),
        )
        .sql()
}

/// Whether the key of a run's ordinary payloads is there; without it they are erased.
pub(crate) fn has_ordinary(connection: &Connection, tenant: TenantId, run: RunId) -> Result<bool, Error> {
    connection
        .cached_row(
            "SELECT EXISTS (SELECT 1 FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'run' AND subject = ?2 AND class = 'standard')",
            params![tenant.bytes(), run.to_string()],
            |row| row.get(0),
        )
        .sql()
}
