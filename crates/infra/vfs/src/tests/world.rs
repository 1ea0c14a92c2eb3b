//! A database in a folder of its own: connections that may write into it, and what a stranger reads of it.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// Chance from a seed (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// The folder and how its file is opened.
pub(super) struct World {
    folder: tempfile::TempDir,
    vfs: Option<String>,
}

impl World {
    /// A fresh file with two tables; pages of the given size.
    pub(super) fn new(vfs: Option<&str>, page: u64) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), vfs: vfs.map(str::to_owned) };
        let connection = world.open();
        connection
            .execute_batch(&format!(
                "PRAGMA synchronous = OFF; PRAGMA page_size = {page}; PRAGMA journal_mode = WAL;
                 CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB NOT NULL, w INTEGER NOT NULL UNIQUE) STRICT;
                 CREATE TABLE u (x BLOB NOT NULL) STRICT;"
            ))
            .unwrap();
        world
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// A connection with hardly any cache, so that a transaction of a few pages spills into the log.
    pub(super) fn open(&self) -> Connection {
        self.try_open().unwrap()
    }

    /// The same where the file may be damaged.
    pub(super) fn try_open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(self.path(), flags, vfs.as_str()),
            None => Connection::open_with_flags(self.path(), flags),
        };
        let connection = opened?;
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.execute_batch("PRAGMA cache_size = 4; PRAGMA cache_spill = 4")?;
        Ok(connection)
    }

    /// What a process finds that begins after all others were killed at this moment: file and log as they lie, without
    /// the index.
    pub(super) fn after_a_crash(&self) -> String {
        let grave = tempfile::tempdir().unwrap();
        let copy = grave.path().join("a.db");
        std::fs::copy(self.path(), &copy).unwrap();
        let log = PathBuf::from(format!("{}-wal", self.path().display()));
        if log.exists() {
            std::fs::copy(log, grave.path().join("a.db-wal")).unwrap();
        }
        by_a_stranger(&copy)
    }
}

/// The content of a file by an ordinary connection of the default VFS, once all of it is found to be whole.
pub(super) fn by_a_stranger(path: &Path) -> String {
    let told = Connection::open(path).and_then(|connection| {
        connection.execute_batch("PRAGMA synchronous = OFF")?;
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok(format!("{whole}: {}", content(&connection)?))
    });
    told.unwrap_or_else(|error| error.to_string())
}

/// All rows of the first table as one number (FNV-1a), and how many there are.
pub(super) fn content(connection: &Connection) -> rusqlite::Result<String> {
    let mut statement = connection.prepare("SELECT k, v, w FROM t ORDER BY k")?;
    let mut rows = statement.query([])?;
    let (mut digest, mut count) = (0xcbf2_9ce4_8422_2325_u64, 0_u64);
    while let Some(row) = rows.next()? {
        let (key, value, other): (i64, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        for byte in key.to_be_bytes().into_iter().chain(value).chain(other.to_be_bytes()) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        count += 1;
    }
    Ok(format!("{count} rows, {digest:016x}"))
}
