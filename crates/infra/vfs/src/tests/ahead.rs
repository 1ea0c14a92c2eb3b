//! The log grows ahead of its commits: rarely, never over them, and without room it does not.

use super::beneath::{self, Failure};
use super::world::{World, content};
use crate::faults::{Fault, with};
use rusqlite::Connection;

const INSERT: &str = "INSERT INTO t (v, w) SELECT randomblob(3500), 1 + coalesce(max(w), 0) FROM t";

fn world() -> (World, Connection) {
    beneath::register();
    let world = World::new(Some(crate::over(Some(beneath::NAME)).unwrap()), 4_096);
    let connection = world.open();
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 1000")
        .unwrap();
    // The log begins, with its head.
    connection.execute_batch(INSERT).unwrap();
    beneath::writes();
    (world, connection)
}

/// Commits one row each; of how many the log was written more than once.
fn commits(connection: &Connection, count: usize) -> usize {
    let writes = (0..count).map(|_| {
        connection.execute_batch(INSERT).unwrap();
        beneath::writes().len()
    });
    writes.filter(|writes| *writes > 1).count()
}

#[test]
fn few_commits_make_the_log_longer_and_none_once_it_is_long() {
    let (world, connection) = world();
    let grown = commits(&connection, 400);
    assert!((4..=12).contains(&grown), "{grown} of 400 commits made the log longer");
    let length = || std::fs::metadata(format!("{}-wal", world.path().display())).unwrap().len();
    let long = length();
    assert!(long > 400 * 4_120 && long < 400 * 4 * 4_120 + (1 << 20), "{long}");
    // Begun anew it is long already.
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    commits(&connection, 1);
    assert_eq!((commits(&connection, 50), length()), (0, long));
    // Cut off it has to grow once more.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(length(), 0);
    assert!((2..=8).contains(&commits(&connection, 100)));
}

#[test]
fn behind_a_large_commit_the_log_does_not_grow() {
    let (world, connection) = world();
    let length = || std::fs::metadata(format!("{}-wal", world.path().display())).unwrap().len();
    for rows in [100, 200] {
        let before = length();
        connection.execute_batch(&format!("BEGIN; {} COMMIT", format!("{INSERT};").repeat(rows))).unwrap();
        let written: usize = beneath::writes().iter().map(|(_, length)| length).sum();
        assert!(written > rows * 3_500 && written < rows * 3 * 4_120, "{written}");
        assert!(length() - before <= written as u64, "{} of {written}", length() - before);
    }
    connection.execute_batch(INSERT).unwrap();
    let last = beneath::writes().iter().map(|(_, length)| length).sum::<usize>();
    assert!(last > 1 << 19, "control: a small one behind it writes {last}");
}

#[test]
fn zeros_that_find_no_room_refuse_nothing() {
    let (world, connection) = world();
    let mut failed = 0;
    for _ in 0..60 {
        // The second write of a commit is the first of its zeros.
        beneath::fail(Some((Failure::Full, 2)));
        connection.execute_batch(INSERT).unwrap();
        failed += usize::from(beneath::fail(None) > 1);
        assert_eq!(world.after_a_crash(), format!("ok: {}", content(&connection).unwrap()));
    }
    assert!(failed >= 50, "{failed} of 60 commits found no room");
    assert!(commits(&connection, 60) < 10, "with room again");
}

#[test]
fn zeros_over_the_end_of_a_commit_are_noticed() {
    let lost = |fault| {
        with(fault, || {
            let (world, connection) = world();
            connection.execute_batch(INSERT).unwrap();
            world.after_a_crash() != format!("ok: {}", content(&connection).unwrap())
        })
    };
    assert!(!lost(None));
    assert!(lost(Some(Fault::AheadTooSoon)));
}
