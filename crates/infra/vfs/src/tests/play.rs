//! The same script on SQLite's VFS and on ours: whoever looks, at whatever moment, sees the same.

use super::script::play;
use super::world::{World, content};
use crate::faults::{Fault, with};

const SEEDS: u64 = 120;

/// The first step at which the two differ.
fn difference(seed: u64) -> Option<String> {
    let ours = crate::over(None).unwrap();
    let (theirs, ours) = (with(None, || play(None, seed)), play(Some(ours), seed));
    let mut steps = theirs.iter().zip(&ours).enumerate();
    let differs = steps.find(|(_, (theirs, ours))| theirs != ours);
    differs.map(|(at, (theirs, ours))| format!("seed {seed}, step {at}: theirs {theirs}, ours {ours}"))
}

#[test]
fn whoever_looks_sees_the_same_as_on_sqlites_own() {
    let differences: Vec<String> = (0..SEEDS).filter_map(difference).collect();
    assert_eq!(differences, Vec::<String>::new());
}

#[test]
fn a_rule_of_the_gathering_that_is_left_out_is_noticed() {
    for fault in [Fault::HeldOverTheLock, Fault::CommitHeld, Fault::ReadPast] {
        let noticed = with(Some(fault), || (0..SEEDS).find_map(difference));
        println!("{fault:?}: {}", noticed.clone().unwrap_or_default());
        assert!(noticed.is_some(), "{fault:?} is not noticed");
    }
}

/// One connection without locks on the index, and through other journals; what it saw, and what a crash would leave.
fn alone(vfs: Option<&str>) -> Vec<String> {
    let world = World::new(vfs, 1_024);
    let connection = world.open();
    let mut seen = Vec::new();
    for mode in [
        "locking_mode = EXCLUSIVE",
        "journal_mode = DELETE",
        "journal_mode = WAL",
        "locking_mode = NORMAL",
        "journal_mode = TRUNCATE",
        "journal_mode = WAL",
    ] {
        let told: String = connection
            .pragma_update_and_check(
                None,
                mode.split_once(" = ").unwrap().0,
                mode.split_once(" = ").unwrap().1,
                |row| row.get(0),
            )
            .unwrap();
        for end in ["COMMIT", "ROLLBACK", "COMMIT"] {
            connection
                .execute_batch(&format!(
                    "BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
                     INSERT INTO t (v, w) SELECT zeroblob(300 + i), i + (SELECT coalesce(max(w), 0) FROM t) FROM n; {end}"
                ))
                .unwrap();
            seen.push(format!("{mode}, {told}, {end}: {}", content(&connection).unwrap()));
            if told == "wal" || told == "normal" {
                seen.push(world.after_a_crash());
            }
        }
    }
    seen
}

#[test]
fn exclusive_locking_and_other_journals_are_as_on_sqlites_own() {
    let seen = alone(Some(crate::over(None).unwrap()));
    assert_eq!(seen, alone(None));
    assert!(seen.last().unwrap().starts_with("ok: 720 rows"), "{seen:?}");
}
