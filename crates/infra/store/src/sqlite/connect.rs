//! Opening a connection: every setting of contract 6.3 in one place, read back where SQLite may decline silently.

use super::Sql;
use crate::port::error::Error;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// The write budget: how long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_millis(3_000);

/// Pages of the write-ahead log after which it is moved into the file.
const LOG_PAGES: i64 = 4_096;

/// Statements that stay prepared: all that a connection meets in its work, with room.
const STATEMENTS: usize = 128;

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Reads only; a write is an error of SQLite itself.
    Read,
    /// The committer's, and the migrations'.
    Write,
}

/// Opens an existing file.
pub(crate) fn connect(path: &Path, vfs: Option<&str>, access: Access) -> Result<Connection, Error> {
    // Readers open the file for writing as well, for a reader of a WAL file maintains its shared index; `query_only` holds
    // them to reading.
    let flags =
        OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    // Whatever lies beneath: the frames of a commit go into the log in one write (ADR 83).
    let vfs = dvt_vfs::over(vfs).map_err(|error| Error::Unavailable(format!("open a file: {error}")))?;
    let connection = Connection::open_with_flags_and_vfs(path, flags, vfs).sql()?;
    harden(&connection)?;
    connection.pragma_update(None, "query_only", access == Access::Read).sql()?;
    Ok(connection)
}

/// The settings that hold for every connection of this crate, the offline verifier's too.
pub(crate) fn harden(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY).sql()?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (config, wanted) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    ] {
        if connection.set_db_config(config, wanted).sql()? != wanted {
            return Err(Error::Unavailable(format!("set {config:?}")));
        }
    }
    // No ATTACH: a connection never sees two files, so no statement can reach from one tenant into another.
    // INVARIANT(INV-08): the database's own half of the tenant rule on SQLite.
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).sql()?;
    if connection.limit(Limit::SQLITE_LIMIT_ATTACHED).sql()? != 0 {
        return Err(Error::Unavailable("forbid ATTACH".to_owned()));
    }
    // What no statement and no row of ours comes near to: a hostile file meets a limit before it meets the machine's.
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, 256 * 1024 * 1024),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 256 * 1024),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 16),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, most).sql()?;
    }
    // FULL: a commit returns only after the WAL is synced. recursive_triggers: REPLACE fires the delete triggers too.
    // INVARIANT(INV-29): acknowledged means durable.
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;")
        .sql()?;
    // Pages that every commit writes (the head, the ends of indexes) go into the file once for each round of the log: a longer
    // log moves fewer. 16 MiB of it are read again in a few milliseconds after a crash.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(())).sql()?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).sql()?;
    let secure: i64 = connection.pragma_query_value(None, "secure_delete", |row| row.get(0)).sql()?;
    if synchronous != 2 || secure != 1 {
        return Err(Error::Unavailable("set synchronous or secure_delete".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_reaches_one_file_and_a_reader_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, b"").unwrap();
        let writer = connect(&path, None, Access::Write).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x) STRICT;").unwrap_err();
        writer.execute_batch("CREATE TABLE t (x BLOB) STRICT;").unwrap();
        let other = folder.path().join("b.db").display().to_string();
        assert!(writer.execute("ATTACH ?1 AS b", [&other]).is_err());
        assert!(
            writer.execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'x';").is_err()
        );
        let reader = connect(&path, None, Access::Read).unwrap();
        assert!(reader.execute_batch("INSERT INTO t VALUES (x'00')").is_err());
        assert!(connect(&folder.path().join("absent.db"), None, Access::Write).is_err());
    }

    /// ADR 85: the flags of `.cargo/config.toml` reached SQLite.
    #[test]
    fn what_no_statement_needs_is_not_built_in() {
        let connection = Connection::open_in_memory().unwrap();
        let mut statement = connection.prepare("PRAGMA compile_options").unwrap();
        let built: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for wanted in ["OMIT_LOAD_EXTENSION", "OMIT_SHARED_CACHE", "OMIT_DEPRECATED", "DQS=0", "THREADSAFE=1"]
        {
            assert!(built.iter().any(|option| option == wanted), "{wanted}: {built:?}");
        }
        let unwanted = ["FTS", "RTREE", "DBSTAT", "STAT4", "LOAD_EXTENSION"];
        for option in built.iter().filter_map(|option| option.strip_prefix("ENABLE_")) {
            assert!(!unwanted.iter().any(|unwanted| option.starts_with(unwanted)), "{option}");
        }
        for module in ["fts3", "fts5", "rtree", "dbstat"] {
            let made =
                connection.execute_batch(&format!("CREATE VIRTUAL TABLE temp.v USING {module} (a, b, c)"));
            assert!(made.is_err(), "{module}");
        }
    }
}
