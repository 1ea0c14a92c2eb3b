//! How often the log is written.

use super::beneath;
use super::world::World;

/// Writes of the log for commits of some pages, each with its rows, on SQLite's own VFS and on ours.
fn writes(is_ours: bool, rows: u64) -> Vec<Vec<(i64, usize)>> {
    beneath::register();
    let vfs = if is_ours { crate::over(Some(beneath::NAME)).unwrap() } else { beneath::NAME };
    let world = World::new(Some(vfs), 4_096);
    let connection = world.open();
    connection
        .execute_batch("PRAGMA cache_size = 10000; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")
        .unwrap();
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t (v, w) SELECT randomblob(3500), i + (SELECT coalesce(max(w), 0) FROM t) FROM n"
    );
    // The log is long already, so that none of these makes it longer, and begins anew, with its head.
    for _ in 0..8 {
        connection.execute_batch(&insert).unwrap();
    }
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    connection.execute_batch(&insert).unwrap();
    beneath::writes();
    let counted = (0..6).map(|_| {
        connection.execute_batch(&insert).unwrap();
        beneath::writes()
    });
    counted.collect()
}

#[test]
fn a_commit_is_one_write() {
    let (theirs, ours) = (writes(false, 8), writes(true, 8));
    for (theirs, ours) in theirs.iter().zip(&ours) {
        let bytes = |writes: &[(i64, usize)]| writes.iter().map(|(_, length)| length).sum::<usize>();
        assert_eq!(bytes(theirs), bytes(ours), "the same bytes");
        assert!(theirs.len() >= 16, "{theirs:?}");
        assert_eq!(ours.len(), 1, "{ours:?}");
    }
}

#[test]
fn a_large_commit_is_a_few_writes() {
    for writes in writes(true, 200) {
        let bytes: usize = writes.iter().map(|(_, length)| length).sum();
        assert!(bytes > 200 * 4_096);
        assert!(writes.iter().all(|(_, length)| *length <= 64 * 1024 && *length % 4_120 == 0), "{writes:?}");
        assert_eq!(writes.len(), bytes.div_ceil(15 * 4_120), "{writes:?}");
    }
}
