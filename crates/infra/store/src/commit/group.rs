//! One transaction of the committer: lock the head, let each piece in or leave it out, move the head, commit.
//!
//! One that is refused leaves neither a hole nor a trace. Surprising: most are refused before they have written anything, so
//! the pieces go in without savepoints at first, which would copy every page that they touch; only where one had written
//! before it was refused, all is rolled back and each piece gets a savepoint of its own.

use super::queue::Waiting;
use super::turns::Turns;
use crate::crash;
use crate::port::error::{Error, Refusal};
use crate::sqlite::immediate::{Immediate, run};
use crate::sqlite::{Sql, column, fault};
use dvt_model::id::{LedgerId, TenantId};
use rusqlite::{Connection, params};
use std::time::{Duration, Instant};

/// Why a piece stops.
pub(crate) enum Stop {
    /// It alone is left out.
    Refused(Refusal),
    /// The database failed: nothing of the whole group stays.
    Lost(Error),
    /// What it would write is against a rule of the tables, or what is stored is not what it must be.
    Broken(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        match fault(&error) {
            error @ Error::Contract(_) => Self::Broken(error),
            error => Self::Lost(error),
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Stop {
    /// A database that fails one piece fails its neighbours, whoever put it into the store's own words: a connection that was opened
    /// while the disk could only be read stays so until it is given up.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::Lost(error),
            error => Self::Broken(error),
        }
    }
}

/// A piece of a transaction.
pub(crate) trait Work: Send {
    /// Its bytes, roughly.
    fn weight(&self) -> usize;
    /// Whether it may be applied a second time, after everything that it wrote was rolled back.
    fn can_repeat(&self) -> bool;
    /// Judges it and writes it.
    fn apply(&mut self, group: &mut Group<'_>) -> Result<(), Stop>;
    /// Tells whoever waits. `Ok` comes after the sync and never before.
    fn answer(self: Box<Self>, verdict: Result<(), Refusal>);
}

/// The tenant's head row, locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) n: i64,
    pub(crate) ledger: LedgerId,
    pub(crate) next_index: u64,
    pub(crate) sealed_size: u64,
    pub(crate) engine_epoch: u64,
}

/// The transaction as its pieces see it.
pub(crate) struct Group<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) tenant: TenantId,
    pub(crate) head: Head,
}

/// The head row.
pub(crate) fn head(connection: &Connection, tenant: TenantId) -> Result<Head, Error> {
    let row = connection
        .prepare_cached(
            "SELECT n, ledger_id, next_index, sealed_size, engine_epoch FROM ledger_head WHERE tenant_id = ?1",
        )
        .and_then(|mut statement| {
            statement.query_row([tenant.bytes()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?))
            })
        })
        .sql()?;
    Ok(Head {
        n: row.0,
        ledger: column::id(&row.1, LedgerId::from_bytes)?,
        next_index: column::unsigned(row.2)?,
        sealed_size: column::unsigned(row.3)?,
        engine_epoch: column::unsigned(row.4)?,
    })
}

/// A transaction that is over: one verdict per piece, all durable, and how long the COMMIT took of it.
pub(crate) struct Done {
    pub(crate) verdicts: Vec<Result<(), Refusal>>,
    pub(crate) syncing: Duration,
}

/// Runs the transaction. On an error nothing is there, or it cannot be known.
// INVARIANT(INV-29): the verdicts leave this function only after COMMIT returned, which under synchronous=FULL is after
// the sync of the write-ahead log.
pub(crate) fn commit(
    connection: &mut Connection,
    tenant: TenantId,
    turns: &Turns,
    pieces: &mut [Waiting],
) -> Result<Done, Error> {
    let is_bare = pieces.len() > 1 && pieces.iter().all(|piece| piece.work.can_repeat());
    let mut manner = if is_bare { Manner::Bare } else { Manner::Apart };
    loop {
        // BEGIN IMMEDIATE is the head lock: no other process changes the file until the end. It may wait for one, so it comes
        // before the turn, which all tenants share.
        let transaction = Immediate::begin(connection)?;
        let _turn = turns.take();
        let first = head(&transaction, tenant)?;
        let mut group = Group { connection: &transaction, tenant, head: first };
        match pass(&mut group, pieces, manner)? {
            Some(verdicts) => {
                let last = group.head;
                return finish(transaction, tenant, (first, last), verdicts);
            }
            // If we crash here, nothing of the group is there; if not, it begins anew and each piece can be taken out alone.
            None => {
                transaction.rollback()?;
                manner = Manner::Apart;
            }
        }
    }
}

/// How pieces are kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Not at all: what one of them wrote goes only with everything.
    Bare,
    /// By savepoints.
    Apart,
}

/// Lets each piece in or leaves it out. `None` where a bare one had written something before it was refused.
fn pass(
    group: &mut Group<'_>,
    pieces: &mut [Waiting],
    manner: Manner,
) -> Result<Option<Vec<Result<(), Refusal>>>, Error> {
    let transaction = group.connection;
    let mut verdicts = Vec::with_capacity(pieces.len());
    // A piece that is alone needs no savepoint: what is refused is the transaction.
    let has_savepoint = manner == Manner::Apart && pieces.len() > 1;
    for piece in pieces.iter_mut() {
        let (before, changes) = (group.head, transaction.total_changes());
        if has_savepoint {
            run(transaction, "SAVEPOINT piece")?;
        }
        let mut is_clean = true;
        let verdict = match piece.work.apply(group) {
            Ok(()) => Ok(()),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Lost(error)) => return Err(error),
            Err(Stop::Broken(error)) => {
                is_clean = false;
                Err(match error {
                    Error::Contract(reason) => Refusal::Contract(reason),
                    error => Refusal::Unavailable(error.what()),
                })
            }
        };
        if verdict.is_err() {
            group.head = before;
            is_clean &= transaction.total_changes() == changes;
            match (manner, is_clean) {
                (Manner::Bare, false) => return Ok(None),
                (Manner::Apart, _) if has_savepoint => run(transaction, "ROLLBACK TO piece")?,
                (Manner::Bare, true) | (Manner::Apart, _) => {}
            }
        }
        if has_savepoint {
            run(transaction, "RELEASE piece")?;
        }
        verdicts.push(verdict);
    }
    Ok(Some(verdicts))
}

/// Moves the head and commits, where anything of the group stays.
fn finish(
    transaction: Immediate<'_>,
    tenant: TenantId,
    (first, last): (Head, Head),
    verdicts: Vec<Result<(), Refusal>>,
) -> Result<Done, Error> {
    if verdicts.iter().all(Result::is_err) {
        transaction.rollback()?;
        return Ok(Done { verdicts, syncing: Duration::ZERO });
    }
    if last.next_index != first.next_index {
        let moved = transaction
            .prepare_cached(
                "UPDATE OR FAIL ledger_head SET next_index = ?3 WHERE tenant_id = ?1 AND next_index = ?2",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    tenant.bytes(),
                    column::signed(first.next_index),
                    column::signed(last.next_index)
                ])
            })
            .sql()?;
        if moved != 1 {
            return Err(Error::integrity("the head moved under its lock".to_owned()));
        }
    }
    // If we crash here, the transaction is in the write-ahead log without its commit frame: it never happened.
    crash::point("after-insert");
    let begun = Instant::now();
    transaction.commit()?;
    Ok(Done { verdicts, syncing: begun.elapsed() })
}

#[cfg(test)]
mod tests;
