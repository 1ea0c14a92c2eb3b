//! Pruning: envelopes whose years are over go, with a record and an announcement; tiles keep their leaves for every proof.
//!
//! Never by the machinery alone, never above a full tile, never below a hold. One transaction prunes a bounded number of blocks; the
//! command asks again until nothing is left, each time under the same decision.

use super::{Data, days, rules};
use crate::commit::change::{self, Change, Draft, Drafted};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::port::error::{Error, Refusal};
use crate::port::operation::{ActDraft, EntryDraft};
use crate::port::transaction::TenantTx;
use crate::read::Reader;
use crate::rotate::DAY_MS;
use crate::sqlite::{Cached, Sql, column};
use dvt_ledger::announce;
use dvt_model::action::Action;
use dvt_model::entry::EventType;
use rusqlite::{Connection, OptionalExtension, params};

/// The most blocks of one transaction.
const MOST_BLOCKS: i64 = 20_000;

/// From where to where can be pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prunable {
    /// The first entry that is there.
    pub lowest: u64,
    /// The first that would be left.
    pub first_left: u64,
}

struct Prune {
    prunable: Prunable,
    holds: i64,
}

fn standing(connection: &Connection, tenant: [u8; 16]) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT count(*) FROM legal_hold WHERE tenant_id = ?1 AND released_at IS NULL")?
        .query_row([tenant], |row| row.get(0))
}

/// A hold over everything, or over a person whose entries cannot be told apart, keeps everything; one over a run what comes from
/// its first entry on.
fn keeps_everything(connection: &Connection, tenant: [u8; 16]) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM legal_hold WHERE tenant_id = ?1 AND released_at IS NULL AND covers <> 'run')")?
        .query_row([tenant], |row| row.get(0))
}

/// What may go: blocks older than the ledger is kept, whole tiles of them, none that a hold covers.
fn prunable(reader: &Reader, lane: &Connection) -> Result<Prunable, Error> {
    let tenant = &reader.tenant;
    let id = tenant.id.bytes();
    let head = crate::commit::group::head(lane, tenant.id)?;
    let lowest: i64 = lane
        .cached_row("SELECT lowest_index FROM ledger_head WHERE tenant_id = ?1", [id], |row| row.get(0))
        .sql()?;
    let keep = days(&rules(tenant, lane)?, Data::Ledger).saturating_mul(DAY_MS);
    let before = (tenant.clock)().ms().saturating_sub(column::signed(keep));
    let wide = keeps_everything(lane, id).sql()?;
    let lowest = column::unsigned(lowest)?;
    if wide {
        return Ok(Prunable { lowest, first_left: lowest });
    }
    let young: Option<i64> = lane
        .cached_row(
            "SELECT first_index FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND recorded_at > ?3 ORDER BY first_index LIMIT 1",
            params![id, head.n, before],
            |row| row.get(0),
        )
        .optional()
        .sql()?;
    let mut end = announce::prunable(head.sealed_size);
    if let Some(young) = young {
        end = end.min(column::unsigned(young)?);
    }
    let mut statement = lane
        .prepare_cached(
            "SELECT subject FROM legal_hold WHERE tenant_id = ?1 AND released_at IS NULL AND covers = 'run'",
        )
        .sql()?;
    let held = statement.query_map([id], |row| row.get::<_, String>(0)).sql()?;
    for run in held {
        let run = column::word(dvt_model::id::RunId::parse(&run.sql()?).ok(), "a run")?;
        let first: Option<i64> = lane
            .cached_row(
                "SELECT min(first_index) FROM ledger_block WHERE tenant_id = ?1 AND run_id = ?2",
                params![id, run.bytes()],
                |row| row.get(0),
            )
            .sql()?;
        if let Some(first) = first {
            end = end.min(column::unsigned(first)?);
        }
    }
    // The last block that begins there or before, at most so many blocks further on.
    let first_left: Option<i64> = lane
        .cached_row(
            "SELECT max(first_index) FROM (SELECT first_index FROM ledger_block WHERE tenant_id = ?1 AND n = ?2
                AND first_index <= ?3 ORDER BY first_index LIMIT ?4)",
            params![id, head.n, column::signed(end), MOST_BLOCKS + 1],
            |row| row.get(0),
        )
        .sql()?;
    let first_left = column::unsigned(first_left.unwrap_or(0))?.max(lowest);
    Ok(Prunable { lowest, first_left })
}

impl Change for Prune {
    // INVARIANT(INV-22): what is pruned is older than the ledger is kept, and the entry that says so comes with it.
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        let (connection, tenant) = (group.connection, group.tenant.bytes());
        if standing(connection, tenant)? != self.holds {
            return Err(Refusal::VersionConflict.into());
        }
        let first_left = column::signed(self.prunable.first_left);
        let moved = connection
            .prepare_cached(
                "UPDATE ledger_head SET lowest_index = ?2 WHERE tenant_id = ?1 AND lowest_index = ?3",
            )?
            .execute(params![tenant, first_left, column::signed(self.prunable.lowest)])?;
        if moved != 1 {
            return Err(Refusal::VersionConflict.into());
        }
        for statement in [
            "DELETE FROM ledger_payload WHERE tenant_id = ?1 AND n = ?2 AND first_index < ?3",
            "DELETE FROM ledger_search WHERE tenant_id = ?1 AND n = ?2 AND ledger_index < ?3",
            "DELETE FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND first_index < ?3",
        ] {
            connection.prepare_cached(statement)?.execute(params![tenant, group.head.n, first_left])?;
        }
        Ok(())
    }
}

/// Nothing goes while a hold keeps everything.
struct Held;

impl Change for Held {
    fn judge(&self, _: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        Err(Refusal::LegalHold.into())
    }
}

impl TenantTx {
    /// From where to where the ledger can be pruned now; nothing where both are the same.
    pub async fn prunable(&self) -> Result<Prunable, Error> {
        self.read(prunable).await
    }

    /// Stages a pruning; decision and record stand in `act`.
    pub fn prune(&mut self, act: ActDraft) {
        let change: Draft = Box::new(|reader, lane| -> Result<Option<Drafted>, Error> {
            let prunable = prunable(reader, lane)?;
            if prunable.first_left <= prunable.lowest {
                let is_held = keeps_everything(lane, reader.tenant.id.bytes()).sql()?;
                return Ok(is_held.then(|| -> Drafted { (Box::new(Held), Vec::new()) }));
            }
            let holds = standing(lane, reader.tenant.id.bytes()).sql()?;
            let kind = (EventType::LedgerEvent, announce::LEDGER_PRUNED);
            let resource = announce::first_left(prunable.first_left);
            let envelope = change::envelope(&reader.tenant, kind, Action::DataErase, resource);
            let entries = vec![EntryDraft { envelope, payload: None }];
            Ok(Some((Box::new(Prune { prunable, holds }), entries)))
        });
        self.stage(act, change);
    }
}
