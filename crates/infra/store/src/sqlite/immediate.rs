//! The committer's transaction: begun, ended and undone by statements that stay prepared, for there is one with each commit.
//!
//! Surprising: a COMMIT that failed may have left the transaction open; dropping it undoes it, which the database refuses where
//! it is undone already.

use super::Sql;
use crate::port::error::Error;
use rusqlite::Connection;
use std::ops::Deref;

/// An open transaction that holds the write lock. Dropped, it never happened.
pub(crate) struct Immediate<'a> {
    connection: &'a Connection,
}

impl<'a> Immediate<'a> {
    /// Takes the write lock, waiting for another process as long as the connection waits for anything. The connection is
    /// borrowed alone, so that no transaction is begun within another one.
    pub(crate) fn begin(connection: &'a mut Connection) -> Result<Self, Error> {
        run(connection, "BEGIN IMMEDIATE")?;
        Ok(Self { connection })
    }

    /// Makes it durable.
    pub(crate) fn commit(self) -> Result<(), Error> {
        run(self.connection, "COMMIT")
    }

    /// Undoes it.
    pub(crate) fn rollback(self) -> Result<(), Error> {
        run(self.connection, "ROLLBACK")
    }
}

impl Deref for Immediate<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Immediate<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // Where even this fails, the committer gives the connection up.
            let _failed = run(self.connection, "ROLLBACK");
        }
    }
}

/// Runs a statement that has no values and no rows.
pub(crate) fn run(connection: &Connection, statement: &str) -> Result<(), Error> {
    connection.prepare_cached(statement).and_then(|mut statement| statement.execute([])).map(drop).sql()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn only_what_was_committed_stays() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x INTEGER NOT NULL UNIQUE) STRICT").unwrap();
        let insert = |transaction: &Connection| transaction.execute("INSERT INTO t VALUES (1)", []);
        drop({
            let dropped = Immediate::begin(&mut connection).unwrap();
            insert(&dropped).unwrap();
            dropped
        });
        let undone = Immediate::begin(&mut connection).unwrap();
        insert(&undone).unwrap();
        undone.rollback().unwrap();
        assert_eq!(rows(&connection), 0);
        let kept = Immediate::begin(&mut connection).unwrap();
        insert(&kept).unwrap();
        // A statement that fails leaves the transaction open, and what went before it in it.
        assert!(insert(&kept).is_err());
        kept.commit().unwrap();
        assert_eq!(rows(&connection), 1);
        assert!(connection.is_autocommit());
    }

    #[test]
    fn whoever_cannot_have_the_lock_is_told_and_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (mut one, mut two) = (Connection::open(&path).unwrap(), Connection::open(&path).unwrap());
        two.busy_timeout(std::time::Duration::ZERO).unwrap();
        one.execute_batch("CREATE TABLE t (x INTEGER) STRICT").unwrap();
        let held = Immediate::begin(&mut one).unwrap();
        assert!(Immediate::begin(&mut two).is_err());
        assert!(two.is_autocommit());
        held.commit().unwrap();
        Immediate::begin(&mut two).unwrap().commit().unwrap();
    }
}
