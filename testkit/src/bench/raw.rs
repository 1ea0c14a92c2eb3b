//! The raw limit: rows of a given size into one table of a file with the store's own settings and VFS, by one prepared statement.

use crate::power_cut::watch;
use rusqlite::{CachedStatement, Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// A file with one table.
pub struct Raw {
    connection: Connection,
    row: Vec<u8>,
}

impl Raw {
    /// A fresh file; rows hold `row_bytes` bytes of chance.
    pub fn create(path: &Path, row_bytes: usize) -> Result<Self, String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let vfs = dvt_vfs::over(Some(watch::NAME)).map_err(|error| error.to_string())?;
        let connection = Connection::open_with_flags_and_vfs(path, flags, vfs).map_err(text)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA recursive_triggers = ON;
                 PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 4096;
                 CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;",
            )
            .map_err(text)?;
        let mut row = Vec::with_capacity(row_bytes);
        while row.len() < row_bytes {
            row.extend_from_slice(&crate::drafts::random::<64>());
        }
        row.truncate(row_bytes);
        Ok(Self { connection, row })
    }

    /// Rows a second, `rows` in one transaction.
    pub fn rows_a_second(&mut self, rows: u64, window: Duration) -> Result<f64, String> {
        let (begun, mut done) = (Instant::now(), 0u64);
        while begun.elapsed() < window {
            let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
            let transaction = transaction.map_err(text)?;
            {
                let mut statement: CachedStatement<'_> =
                    transaction.prepare_cached("INSERT INTO row (bytes) VALUES (?1)").map_err(text)?;
                for _ in 0..rows {
                    statement.execute([&self.row]).map_err(text)?;
                }
            }
            transaction.commit().map_err(text)?;
            done += rows;
        }
        Ok(super::real(done) / begun.elapsed().as_secs_f64())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: rusqlite::Error) -> String {
    error.to_string()
}
