//! A database file of ours: made in one transaction, opened only when it is exactly what it should be.
//!
//! Refuses a foreign, damaged or newer file before anything is written to it. Surprising: a file that was created but never
//! filled (a crash before its first commit) is "empty", which is neither ours nor foreign; the caller decides.

use super::Sql;
use super::connect::{Access, connect};
use crate::migrations::version;
use crate::port::error::Error;
use dvt_model::code::Code;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// `DVT1`: what `application_id` says of a file of ours.
pub(crate) const APPLICATION: i32 = 0x4456_5431;

/// What kind of file.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Its migrations.
    pub(crate) migrations: &'static [&'static str],
    /// A table that the first migration makes.
    pub(crate) mark: &'static str,
}

/// A tenant's file.
pub(crate) const TENANT: Kind = Kind { migrations: crate::migrations::TENANT, mark: "header" };
/// The control database.
pub(crate) const CONTROL: Kind = Kind { migrations: crate::migrations::CONTROL, mark: "engine_lease" };

/// A folder that nobody else may enter, with its parents; each name is durable when this returns.
// INVARIANT(INV-29): what is acknowledged may lie in a folder that was just made, so that folder must survive a power cut.
pub(crate) fn private_folder(path: &Path) -> Result<(), Error> {
    let io =
        |error: std::io::Error| Error::Unavailable(format!("make the folder `{}`: {error}", path.display()));
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.exists()) {
        private_folder(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => parent.map_or(Ok(()), sync_folder)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let mode = std::fs::metadata(path).map_err(io)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

/// Syncs a folder, so that the names in it are durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::Unavailable(format!("sync the folder `{}`: {error}", path.display())))
}

/// Makes a file with everything that `fill` puts into it, in one transaction.
///
/// If we crash before the commit, the file is there and empty; if after, it is whole. A file that exists is refused
/// unless it is such an empty one.
pub(crate) fn create(
    path: &Path,
    vfs: Option<&str>,
    kind: Kind,
    fill: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    // SQLite gives the journal, the WAL and its index the mode of the database file, so the file is made before.
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::Unavailable(format!("make the file `{}`: {error}", path.display())))?;
    let mut connection = connect(path, vfs, Access::Write)?;
    if !is_empty(&connection)? {
        return Err(refused(path, "it exists already", Code::ConfigInvalid));
    }
    connection.pragma_update(None, "application_id", APPLICATION).sql()?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).sql()?;
    if mode != "wal" {
        return Err(Error::Unavailable(format!("keep a write-ahead log: the journal mode is `{mode}`")));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).sql()?;
    for migration in kind.migrations {
        transaction.execute_batch(migration).sql()?;
    }
    transaction.pragma_update(None, "user_version", version(kind.migrations)).sql()?;
    fill(&transaction)?;
    transaction.commit().sql()?;
    drop(connection);
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// What a file turned out to be.
pub(crate) enum Found {
    /// Ours; a writing connection.
    Ours(Connection),
    /// Never filled.
    Empty,
}

/// Opens a file for writing once it has proved to be ours. Nothing is written to one that is not.
// INVARIANT(INV-08): whose file it is, `expect_tenant` asks next; no statement of a tenant runs before.
pub(crate) fn open(path: &Path, vfs: Option<&str>, kind: Kind) -> Result<Found, Error> {
    if !path.exists() {
        return Err(Error::NotFound);
    }
    // Under another VFS the real file says nothing.
    if vfs.is_none() && !is_plausible(path)? {
        return Ok(Found::Empty);
    }
    // The checks run on a connection that cannot write.
    let reader = connect(path, vfs, Access::Read).map_err(|error| place(path, error))?;
    if is_empty(&reader).map_err(|error| place(path, error))? {
        return Ok(Found::Empty);
    }
    let application: i32 = reader.pragma_query_value(None, "application_id", |row| row.get(0)).sql()?;
    let marks: i64 = reader
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
            [kind.mark],
            |row| row.get(0),
        )
        .sql()
        .map_err(|error| place(path, error))?;
    if application != APPLICATION || marks != 1 {
        return Err(refused(path, "it is no file of this kind", Code::ConfigInvalid));
    }
    let found: i64 = reader.pragma_query_value(None, "user_version", |row| row.get(0)).sql()?;
    let known = version(kind.migrations);
    if found > known || found < 1 {
        let reason = format!("its schema is version {found}, this release knows up to {known}");
        return Err(refused(path, &reason, Code::MigrateNotCalled));
    }
    drop(reader);
    let mut connection = connect(path, vfs, Access::Write)?;
    migrate(&mut connection, kind)?;
    Ok(Found::Ours(connection))
}

/// Brings an older file forward, one migration a transaction.
fn migrate(connection: &mut Connection, kind: Kind) -> Result<(), Error> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).sql()?;
        let at: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).sql()?;
        let Some(migration) = usize::try_from(at).ok().and_then(|at| kind.migrations.get(at)) else {
            return Ok(());
        };
        transaction.execute_batch(migration).sql()?;
        transaction.pragma_update(None, "user_version", at + 1).sql()?;
        if kind.mark == TENANT.mark {
            transaction.execute("UPDATE header SET schema_version = ?1", [at + 1]).sql()?;
        }
        transaction.commit().sql()?;
    }
}

/// The first bytes say whether SQLite should touch the file at all: even opening a foreign one could roll back a journal.
fn is_plausible(path: &Path) -> Result<bool, Error> {
    let io = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Error::NotFound,
        _ => Error::Unavailable(format!("read `{}`: {error}", path.display())),
    };
    let file = File::open(path).map_err(io)?;
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head).map_err(io)?;
    // Nothing but zeros is what a power cut leaves of a creation that nobody was told of; SQLite rolls it back.
    if head.iter().all(|byte| *byte == 0) {
        return Ok(!head.is_empty());
    }
    let application = head.get(68..72).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
    if !head.starts_with(b"SQLite format 3\0") || application.is_none() {
        return Err(refused(path, "it is no database", Code::ConfigInvalid));
    }
    if application != Some(APPLICATION) {
        return Err(refused(path, "it belongs to another program", Code::ConfigInvalid));
    }
    Ok(true)
}

fn is_empty(connection: &Connection) -> Result<bool, Error> {
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).sql()?;
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).sql()?;
    Ok(objects == 0 && (application == 0 || application == APPLICATION))
}

/// A damaged file is refused by its name.
fn place(path: &Path, error: Error) -> Error {
    match error {
        Error::Refused { reason, code, .. } => refused(path, &reason, code),
        other => other,
    }
}

/// A refusal of a file.
pub(crate) fn refused(path: &Path, reason: &str, code: Code) -> Error {
    Error::Refused { path: path.display().to_string(), reason: reason.to_owned(), code }
}
