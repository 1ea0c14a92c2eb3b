//! What two connections do to one file, by chance from a seed; the same on any VFS.

use super::world::{Chance, World, by_a_stranger, content};
use rusqlite::Connection;

/// Steps of a script.
const STEPS: usize = 60;

/// What one connection does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    RollbackTo,
    Release,
    Insert {
        rows: u64,
        length: u64,
    },
    Update {
        each: u64,
        length: u64,
    },
    Delete {
        each: u64,
    },
    Read,
    Checkpoint {
        mode: &'static str,
    },
    Synchronous {
        mode: &'static str,
    },
    Vacuum,
    Reopen,
    /// A stranger reads beside us.
    Stranger,
    /// Everybody is killed, and a stranger reads what is left.
    Crash,
}

fn step(chance: &mut Chance) -> Step {
    let length = [20, 200, 1_500, 4_000][usize::try_from(chance.below(4)).unwrap()];
    match chance.below(36) {
        0..=4 => Step::Begin,
        5..=7 => Step::Commit,
        8..=9 => Step::Rollback,
        10..=11 => Step::Savepoint,
        12..=13 => Step::RollbackTo,
        14 => Step::Release,
        15..=20 => Step::Insert { rows: 1 + chance.below(25), length },
        21..=23 => Step::Update { each: 1 + chance.below(4), length },
        24 => Step::Delete { each: 2 + chance.below(3) },
        25..=27 => Step::Read,
        28..=29 => Step::Checkpoint {
            mode: ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][usize::try_from(chance.below(4)).unwrap()],
        },
        30 => {
            Step::Synchronous { mode: ["OFF", "NORMAL", "FULL"][usize::try_from(chance.below(3)).unwrap()] }
        }
        31 => Step::Vacuum,
        32 => Step::Reopen,
        33 => Step::Stranger,
        _ => Step::Crash,
    }
}

fn sql(step: Step) -> String {
    match step {
        Step::Begin => "BEGIN IMMEDIATE".to_owned(),
        Step::Commit => "COMMIT".to_owned(),
        Step::Rollback => "ROLLBACK".to_owned(),
        Step::Savepoint => "SAVEPOINT s".to_owned(),
        Step::RollbackTo => "ROLLBACK TO s".to_owned(),
        Step::Release => "RELEASE s".to_owned(),
        Step::Insert { rows, length } => format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO t (v, w) SELECT zeroblob({length}), i + (SELECT coalesce(max(w), 0) FROM t) FROM n"
        ),
        Step::Update { each, length } => {
            format!(
                "UPDATE t SET v = CAST(printf('%0*d', {length}, k * 31 + w) AS BLOB) WHERE k % {each} = 0"
            )
        }
        Step::Delete { each } => format!("DELETE FROM t WHERE k % {each} = 0"),
        Step::Checkpoint { mode } => format!("PRAGMA wal_checkpoint({mode})"),
        Step::Synchronous { mode } => format!("PRAGMA synchronous = {mode}"),
        Step::Vacuum => "VACUUM".to_owned(),
        Step::Read | Step::Reopen | Step::Stranger | Step::Crash => String::new(),
    }
}

/// Plays the script of a seed; everything that anybody saw, step by step.
pub(super) fn play(vfs: Option<&str>, seed: u64) -> Vec<String> {
    let mut chance = Chance(seed);
    let page = [512, 1_024, 4_096][usize::try_from(chance.below(3)).unwrap()];
    let world = World::new(vfs, page);
    let mut connections = [world.open(), world.open()];
    for connection in &connections {
        let sync = ["OFF", "NORMAL"][usize::try_from(chance.below(2)).unwrap()];
        let log = [3, 20, 1_000][usize::try_from(chance.below(3)).unwrap()];
        set(connection, &format!("PRAGMA synchronous = {sync}; PRAGMA wal_autocheckpoint = {log};"));
    }
    let mut seen = Vec::new();
    for _ in 0..STEPS {
        let who = usize::try_from(chance.below(2)).unwrap();
        let step = step(&mut chance);
        let told = match step {
            Step::Read => told(content(&connections[who])),
            Step::Stranger => by_a_stranger(&world.path()),
            Step::Crash => world.after_a_crash(),
            Step::Reopen => told(world.try_open().map(|opened| {
                connections[who] = opened;
                String::new()
            })),
            Step::Checkpoint { .. } => told(connections[who].query_row(&sql(step), [], |row| {
                Ok(format!(
                    "{:?} {:?} {:?}",
                    row.get::<_, i64>(0),
                    row.get::<_, i64>(1),
                    row.get::<_, i64>(2)
                ))
            })),
            _ => told(connections[who].execute_batch(&sql(step)).map(|()| String::new())),
        };
        seen.push(format!("{who} {step:?}: {told}"));
    }
    seen.push(format!("at the end, after a crash: {}", world.after_a_crash()));
    drop(connections);
    seen.push(format!("at the end: {}", by_a_stranger(&world.path())));
    seen
}

fn set(connection: &Connection, sql: &str) {
    connection.execute_batch(sql).unwrap();
}

fn told(result: rusqlite::Result<String>) -> String {
    result.unwrap_or_else(|error| error.to_string())
}
