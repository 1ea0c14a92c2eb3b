//! Looking at a database file without changing a byte of it, of what lies beside it, or of its folder.
//!
//! An ordinary connection is no onlooker: it rolls back a journal that lies beside the file, makes the shared index of a WAL,
//! and on closing moves the WAL into the file. So a file is first looked at in the one of three ways that changes nothing
//! in its state, and only what proved to be ours is opened ([`super::file`]).

use super::connect::{Access, connect, harden};
use super::file::refused;
use super::{Sql, fault};
use crate::port::error::Error;
use dvt_model::code::Code;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `DVT1`: what `application_id` says of a file of ours.
pub(crate) const APPLICATION: i32 = 0x4456_5431;
/// How a database begins.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Steps of SQLite's machine between two looks at the count, and how many looks there may be: a hostile tree of pages can
/// make a small file look endless.
const STEPS: i32 = 100_000;
const MOST_LOOKS: u32 = 1_000;

/// What lies under a name.
pub(crate) enum Seen {
    /// A file whose creation was never finished: nobody was ever told of it.
    Unfilled,
    /// A database of ours as far as its first bytes say.
    Database(Connection),
}

/// A file beside another: SQLite's names for WAL, index and journal.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn metadata(path: &Path) -> Result<Option<Metadata>, Error> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&format!("look at `{}`", path.display()), &error)),
    }
}

/// A plain file of ours that nobody else may open; `None` where there is nothing.
// INVARIANT(INV-16): a file that others could read or change is refused before it is opened.
pub(crate) fn private_file(path: &Path) -> Result<Option<u64>, Error> {
    let Some(metadata) = metadata(path)? else { return Ok(None) };
    if !metadata.is_file() {
        return Err(refused(path, "it is no plain file", Code::ConfigInvalid));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, "it belongs to another user", Code::ConfigInvalid));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o177 != 0 {
        let shown = path.display();
        let reason =
            format!("its mode is {mode:04o}, open to others or to be run; `chmod 600 {shown}` closes it");
        return Err(refused(path, &reason, Code::ConfigInvalid));
    }
    Ok(Some(metadata.len()))
}

/// Looks at a file of an installation.
pub(crate) fn look(path: &Path) -> Result<Seen, Error> {
    if !metadata(path)?.ok_or(Error::NotFound)?.is_file() {
        return Err(refused(path, "it is no plain file", Code::ConfigInvalid));
    }
    let head = head(path)?;
    // Nothing but zeros is what a power cut leaves of a creation that nobody was told of.
    if head.iter().all(|byte| *byte == 0) {
        return Ok(Seen::Unfilled);
    }
    let length = private_file(path)?.ok_or(Error::NotFound)?;
    let journal = private_file(&beside(path, "-journal"))?;
    let (wal, index) = (private_file(&beside(path, "-wal"))?, private_file(&beside(path, "-shm"))?);
    let word = |at: usize| {
        head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
    };
    if !head.starts_with(MAGIC) || head.len() < 100 {
        return Err(refused(path, "it is no database", Code::ConfigInvalid));
    }
    if word(68) != APPLICATION.unsigned_abs() {
        return Err(refused(path, "it belongs to another program", Code::ConfigInvalid));
    }
    // The first steps of a creation are journalled and touch one page; after them no journal is ever written.
    let is_first_page = word(28) <= 1;
    let keeps_wal = head.get(18..20) == Some(&[2, 2]);
    if journal.is_some() || !keeps_wal {
        if is_first_page {
            return Ok(Seen::Unfilled);
        }
        return Err(refused(path, "it is not kept with a write-ahead log alone", Code::ConfigInvalid));
    }
    // With a WAL beside it a file may end anywhere: a process died while it moved pages from there.
    let page = u64::from(word(14) & 0xffff);
    let page = if page == 1 { 65_536 } else { page.max(512) };
    if wal.is_none() && (!length.is_multiple_of(page) || length < page.saturating_mul(u64::from(word(28)))) {
        return Err(refused(path, "it is cut", Code::LedgerIntegrityFailed));
    }
    Ok(Seen::Database(bounded(by_state(path, wal, index)?)?))
}

/// Whether the first bytes are those of a database of ours.
pub(crate) fn is_ours(path: &Path) -> Result<bool, Error> {
    let head = head(path)?;
    let application = head.get(68..72) == Some(&APPLICATION.to_be_bytes());
    Ok(head.starts_with(MAGIC) && application)
}

/// Reads a file that need not be of an installation, in the way that changes nothing in its state.
pub(crate) fn reading(path: &Path) -> Result<Connection, Error> {
    let length = |path: PathBuf| std::fs::symlink_metadata(path).ok().map(|metadata| metadata.len());
    by_state(path, length(beside(path, "-wal")), length(beside(path, "-shm")))
}

fn by_state(path: &Path, wal: Option<u64>, index: Option<u64>) -> Result<Connection, Error> {
    if wal.is_none() || (wal == Some(0) && index.is_none()) {
        return still(path);
    }
    match alone(path) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => beside_others(path),
        Err(error) if is_unwritable(&error) => by_name(path, "readonly_shm=1"),
        Err(error) => Err(fault(&error)),
        Ok(connection) => {
            harden(&connection)?;
            connection.pragma_update(None, "query_only", true).sql()?;
            Ok(connection)
        }
    }
}

/// The first bytes, without following a link or waiting for a pipe.
fn head(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Error::NotFound,
        _ => Error::io(&format!("read `{}`", path.display()), &error),
    };
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(io)?;
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head).map_err(io)?;
    Ok(head)
}

/// On a medium that cannot be written to nobody can take a lock.
fn is_unwritable(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
        )
    )
}

/// Nobody has it open: it is read as it lies there, without locks.
fn still(path: &Path) -> Result<Connection, Error> {
    by_name(path, "immutable=1")
}

/// Beside a living process an ordinary reader changes nothing.
fn beside_others(path: &Path) -> Result<Connection, Error> {
    let reader = connect(path, None, Access::Read)?;
    keep_wal(&reader)?;
    Ok(reader)
}

/// A process died and left its WAL: it is read with an index in memory, whatever index lies there. Whoever is at work in a
/// file holds a lock on it, and then we are not alone; not a moment is waited for that.
fn alone(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(Duration::ZERO)?;
    // Before the first read: only then is the index made in memory and not as a file. The first read is of a number.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
    Ok(connection)
}

/// Closing leaves the WAL where it is.
fn keep_wal(connection: &Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).sql()?;
    Ok(())
}

/// Opens a file for reading alone, with a parameter of SQLite's file names.
pub(crate) fn by_name(path: &Path, parameter: &str) -> Result<Connection, Error> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push('?');
    uri.push_str(parameter);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).sql()?;
    keep_wal(&connection)?;
    harden(&connection)?;
    Ok(connection)
}

/// A connection that gives up rather than go round in a hostile tree.
fn bounded(mut connection: Connection) -> Result<Connection, Error> {
    let mut looks = 0;
    let count = move || {
        looks += 1;
        looks > MOST_LOOKS
    };
    connection.progress_handler(STEPS, Some(count)).sql()?;
    Ok(connection)
}

/// Takes the bound away, for a check that reads everything.
pub(crate) fn unbounded(connection: &mut Connection) -> Result<(), Error> {
    connection.progress_handler(0, None::<fn() -> bool>).sql()
}
