//! A log that cannot be written: whatever is refused leaves no trace, whatever is acknowledged is there, and the service goes on.

use super::beneath::{self, Failure};
use super::world::{World, by_a_stranger, content};
use crate::faults::{Fault, with};
use rusqlite::Connection;

/// Every so many writes are tried in the gate, all of them with `DVT_FAULT_STRIDE=1`.
const STRIDE: usize = 11;

/// Transactions: small, spilling, reading what they spilled, refused in part, larger than what is held.
const TRANSACTIONS: Transactions = &[
    &["INSERT INTO t (v, w) VALUES (randomblob(100), 1)"],
    &["INSERT_MANY 60", "UPDATE t SET v = CAST(printf('%0900d', k) AS BLOB)", "READ", "INSERT_MANY 20"],
    &["INSERT_MANY 40", "SAVEPOINT s", "INSERT_MANY 40", "ROLLBACK TO s", "READ", "INSERT_MANY 10"],
    &["INSERT_MANY 30", "READ", "UPDATE t SET w = w + 1000", "UPDATE t SET v = zeroblob(10) WHERE k % 3 = 0"],
    &["INSERT_MANY 150", "READ"],
    &["DELETE FROM t WHERE k % 2 = 0", "INSERT_MANY 5"],
];

/// A transaction whose held frames are lost when it reads older ones, and which never looks at them again.
const LATE: Transactions = &[
    &["INSERT_MANY 80"],
    &["INSERT INTO u SELECT zeroblob(500) FROM t", "READ", "UPDATE t SET v = zeroblob(1) WHERE k = 1"],
];

type Transactions = &'static [&'static [&'static str]];

fn sql(statement: &str) -> String {
    match statement.strip_prefix("INSERT_MANY ") {
        None => statement.to_owned(),
        Some(rows) => format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO t (v, w) SELECT zeroblob(400 + i), i + (SELECT coalesce(max(w), 0) FROM t) FROM n"
        ),
    }
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    match statement {
        "READ" => content(connection).map(drop),
        _ => connection.execute_batch(&sql(statement)),
    }
}

/// Plays all transactions while the log fails as told, until the first refusal, on a file and, for what succeeds, on a sound one beside it. After each
/// transaction both must tell the same, also after a crash. What does not fit, and how many writes and refusals there were.
fn play(transactions: Transactions, failure: Option<(Failure, u64)>) -> Result<(u64, u64), String> {
    beneath::register();
    let vfs = crate::over(Some(beneath::NAME)).unwrap();
    let (world, sound) = (World::new(Some(vfs), 1_024), World::new(None, 1_024));
    let (connection, beside) = (world.open(), sound.open());
    for connection in [&connection, &beside] {
        connection
            .execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = 12; PRAGMA cache_spill = 12")
            .unwrap();
    }
    let mut refused = 0;
    beneath::fail(failure);
    for (number, statements) in transactions.iter().enumerate() {
        let begin = [&"BEGIN IMMEDIATE"].into_iter();
        for statement in begin.chain(statements.iter()).chain([&"COMMIT"]) {
            // A whole rollback leaves what follows to commit by itself.
            let statement = match connection.is_autocommit() {
                true if *statement == "COMMIT" || statement.contains("TO s") => continue,
                _ => *statement,
            };
            let statement = statement.replace("randomblob", "zeroblob");
            match run(&connection, &statement) {
                Ok(()) => run(&beside, &statement).map_err(|error| format!("beside: {error}"))?,
                Err(error) => {
                    refused += 1;
                    beneath::fail(None);
                    let code = error.sqlite_error_code();
                    let is_told = matches!(
                        code,
                        Some(rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::DiskFull)
                    );
                    if !is_told {
                        return Err(format!("{number}: `{statement}` is refused with {error}"));
                    }
                    if connection.is_autocommit() && !beside.is_autocommit() {
                        run(&beside, "ROLLBACK").map_err(|error| format!("beside: {error}"))?;
                    }
                }
            }
        }
        if !connection.is_autocommit() {
            run(&connection, "ROLLBACK").map_err(|error| format!("{number}: {error}"))?;
            run(&beside, "ROLLBACK").map_err(|error| format!("beside: {error}"))?;
        }
        let expected = sound.after_a_crash();
        for (who, told) in [
            ("a crash", world.after_a_crash()),
            ("a stranger", by_a_stranger(&world.path())),
            ("itself", format!("ok: {}", content(&connection).map_err(|error| error.to_string())?)),
        ] {
            if told != expected {
                return Err(format!("transaction {number}, {who}: {told} instead of {expected}"));
            }
        }
    }
    Ok((beneath::fail(None), refused))
}

/// Every so many writes of the log fail in every way; what did not fit.
fn walk(transactions: Transactions, stride: usize) -> Vec<String> {
    let (whole, none) = play(transactions, None).unwrap();
    assert!(whole > 4 && none == 0, "{whole} writes, {none} refusals");
    let mut wrong = Vec::new();
    for failure in [Failure::Once, Failure::Torn, Failure::Full] {
        for number in (1..=whole).step_by(stride) {
            match play(transactions, Some((failure, number))) {
                Ok((_, refused)) => assert!(refused > 0, "{failure:?} at write {number} reached nobody"),
                Err(fault) => wrong.push(format!("{failure:?} at write {number}: {fault}")),
            }
        }
    }
    wrong
}

#[test]
fn a_write_that_fails_refuses_the_transaction_and_leaves_no_trace() {
    let stride = std::env::var("DVT_FAULT_STRIDE").map_or(STRIDE, |stride| stride.parse().unwrap());
    assert_eq!(walk(TRANSACTIONS, stride), Vec::<String>::new());
}

#[test]
fn a_loss_that_is_told_late_ends_the_transaction_and_one_that_is_forgotten_is_noticed() {
    assert_eq!(walk(LATE, 1), Vec::<String>::new());
    let wrong = with(Some(Fault::LossForgotten), || walk(LATE, 1));
    println!("{} of the walk: {:?}", wrong.len(), wrong.first());
    assert!(!wrong.is_empty());
}
