//! A database file of ours: made in one transaction, opened only when it is exactly what it should be.
//!
//! Refuses a foreign, damaged, changed or newer file before anything is written to it. Surprising: a file that was created but never
//! filled (a crash before its first commit) is "empty", which is neither ours nor foreign; the caller decides.

use super::connect::{Access, connect};
use super::look::{self, APPLICATION, Seen};
use super::{Sql, schema};
use crate::migrations::version;
use crate::port::error::Error;
use dvt_model::code::Code;
use dvt_model::id::TenantId;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

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
    let io = |error: std::io::Error| Error::io(&format!("make the folder `{}`", path.display()), &error);
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
        .map_err(|error| Error::io(&format!("sync the folder `{}`", path.display()), &error))
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
        .map_err(|error| Error::io(&format!("make the file `{}`", path.display()), &error))?;
    begin(path, vfs)?;
    // SQLite says `wal` before it commits the change, and an error of that commit reaches nobody: a connection that knows
    // nothing of it asks the file.
    let mut connection = connect(path, vfs, Access::Write)?;
    let is_unfilled = is_empty(&connection)?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).sql()?;
    if mode != "wal" || !is_unfilled {
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

/// The first steps of a creation: whose file it is, and how it is kept.
fn begin(path: &Path, vfs: Option<&str>) -> Result<(), Error> {
    let connection = connect(path, vfs, Access::Write)?;
    if !is_empty(&connection)? {
        return Err(refused(path, "it exists already", Code::ConfigInvalid));
    }
    connection.pragma_update(None, "application_id", APPLICATION).sql()?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).sql()
}

/// What a file turned out to be.
pub(crate) enum Found {
    /// Ours, looked at and not yet opened.
    Ours(Looked),
    /// Never filled.
    Empty,
}

/// A file that proved to be ours: read through a connection that changes nothing.
pub(crate) struct Looked {
    /// For what its owner reads before the file is opened.
    pub(crate) connection: Connection,
    path: PathBuf,
    vfs: Option<String>,
    kind: Kind,
    version: i64,
}

/// Looks at a file: of this kind, of a known version, with nothing in its schema but what its migrations make, and `owner`'s.
///
/// Nothing is written, neither to a file that is refused nor to one that is not: that is for [`Looked::open`]. What is read
/// here is small whatever the size of the file; every page is read by `dvt store check` and before a migration.
// INVARIANT(INV-08): whose file it is, is asked before any of its rows is read for a tenant.
pub(crate) fn look(
    path: &Path,
    vfs: Option<&str>,
    kind: Kind,
    owner: Option<TenantId>,
) -> Result<Found, Error> {
    let connection = match vfs {
        // Under another VFS the real file says nothing.
        Some(_) if !path.exists() => return Err(Error::NotFound),
        Some(_) => connect(path, vfs, Access::Read).map_err(|error| place(path, error))?,
        None => match look::look(path).map_err(|error| place(path, error))? {
            Seen::Unfilled => return Ok(Found::Empty),
            Seen::Database(connection) => connection,
        },
    };
    let judged = judge(&connection, path, kind, owner).map_err(|error| place(path, error))?;
    let Some(version) = judged else { return Ok(Found::Empty) };
    Ok(Found::Ours(Looked { connection, path: path.to_owned(), vfs: vfs.map(str::to_owned), kind, version }))
}

/// The version of a file of ours; `None` where it was never filled.
fn judge(
    connection: &Connection,
    path: &Path,
    kind: Kind,
    owner: Option<TenantId>,
) -> Result<Option<i64>, Error> {
    if is_empty(connection)? {
        return Ok(None);
    }
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).sql()?;
    if application != APPLICATION {
        return Err(refused(path, "it belongs to another program", Code::ConfigInvalid));
    }
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).sql()?;
    let known = version(kind.migrations);
    if found > known || found < 1 {
        let reason = format!("its schema is version {found}, this release knows up to {known}");
        return Err(refused(path, &reason, Code::MigrateNotCalled));
    }
    let objects = schema::of(connection)?;
    if !objects.iter().any(|object| object.is_table(kind.mark)) {
        return Err(refused(path, "it is no file of this kind", Code::ConfigInvalid));
    }
    let faults = schema::faults(&objects, kind, found)?;
    if let Some(fault) = faults.iter().find(|fault| fault.forbids) {
        let reason = format!("its schema is not ours: {}", fault.text);
        return Err(refused(path, &reason, Code::LedgerIntegrityFailed));
    }
    if kind.mark == TENANT.mark {
        crate::tenant::header(connection, path, owner)?;
    }
    Ok(Some(found))
}

impl Looked {
    /// Whether its tables are those of this release: only then can its rows be read before it is opened.
    pub(crate) fn is_current(&self) -> bool {
        self.version == version(self.kind.migrations)
    }

    /// Opens it for writing; an older one is brought forward, once all of it has been read without a fault.
    pub(crate) fn open(self) -> Result<Connection, Error> {
        let is_current = self.is_current();
        let Self { connection: mut looking, path, vfs, kind, .. } = self;
        if !is_current {
            if vfs.is_none() {
                look::unbounded(&mut looking)?;
            }
            if let Some(fault) = quick_check(&looking).map_err(|error| place(&path, error))? {
                let reason = format!("it is damaged and is not brought forward: {fault}");
                return Err(refused(&path, &reason, Code::LedgerIntegrityFailed));
            }
        }
        drop(looking);
        let mut connection = connect(&path, vfs.as_deref(), Access::Write)?;
        if !is_current {
            migrate(&mut connection, kind)?;
        }
        Ok(connection)
    }
}

/// Reads every page; what is wrong first, if anything.
pub(crate) fn quick_check(connection: &Connection) -> Result<Option<String>, Error> {
    let told: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).sql()?;
    Ok((told != "ok").then_some(told))
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
