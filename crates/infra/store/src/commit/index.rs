//! The one place where an index is given: a block is inserted at the head's next index and moves the head by its count.
//!
//! Nothing else computes an index from anything; a repeat finds its block and gets the first answer.

use super::group::{Group, Stop};
use super::prepare::Sealed;
use crate::port::error::Refusal;
use crate::port::operation::Committed;
use crate::seal::rows;
use crate::sqlite::column;
use rusqlite::{OptionalExtension, params};

/// The place of a block that is there already. A block id that names a block of another run is no repeat.
pub(crate) fn repeat(group: &Group<'_>, block: &Sealed) -> Result<Option<Committed>, Stop> {
    let found = group
        .connection
        .prepare_cached(
            "SELECT n, first_index, kind, run_id FROM ledger_block WHERE tenant_id = ?1 AND block_id = ?2",
        )?
        .query_row(params![group.tenant.bytes(), block.block_id.bytes()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<Vec<u8>>>(3)?,
            ))
        })
        .optional()?;
    let Some((n, first_index, kind, run)) = found else { return Ok(None) };
    let same_run = run.as_deref() == block.run.map(|run| run.bytes()).as_ref().map(<[u8; 16]>::as_slice);
    if n != group.head.n || kind != block.kind.as_str() || !same_run {
        return Err(Refusal::Contract("the block id names another block".to_owned()).into());
    }
    Ok(Some(Committed { first_index: column::unsigned(first_index)?, already: true }))
}

/// Inserts the block and its rows at the next index.
// INVARIANT(INV-03): indices are 0, 1, 2 … without a gap; the trigger `ledger_block_gapless` says the same once more.
pub(crate) fn insert(group: &mut Group<'_>, block: &Sealed) -> Result<Committed, Stop> {
    let (connection, tenant, n) = (group.connection, group.tenant.bytes(), group.head.n);
    if let Some(decision) = block.decision {
        let known: Option<i64> = connection
            .prepare_cached(
                "SELECT 1 FROM ledger_search WHERE tenant_id = ?1 AND decision_id = ?2 AND decision_id IS NOT NULL
                 AND event_type = 'AUTH_DECISION'",
            )?
            .query_row(params![tenant, decision.bytes()], |row| row.get(0))
            .optional()?;
        if known.is_some() {
            return Err(Refusal::Contract("the decision is in the ledger already".to_owned()).into());
        }
    }
    let first = group.head.next_index;
    let count = block.leaves.len() as u64;
    // OR FAIL: one row, refused before anything of it is written, needs no copy of the pages that it changes.
    connection
        .prepare_cached(
            "INSERT OR FAIL INTO ledger_block (tenant_id, n, first_index, block_id, kind, count, run_id, first_run_seq,
                last_run_seq, decision_id, recorded_at, event_types, leaves, leaf_salts, mac, mac_key_id, envelopes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .execute(params![
            tenant,
            n,
            column::signed(first),
            block.block_id.bytes(),
            block.kind.as_str(),
            column::signed(count),
            block.run.map(|run| run.bytes()),
            block.run_seqs.map(|(from, _)| column::signed(from)),
            block.run_seqs.map(|(_, to)| column::signed(to)),
            block.decision.map(|decision| decision.bytes()),
            block.recorded_at.ms(),
            block.event_types,
            block.leaves.as_flattened(),
            block.salts,
            block.mac,
            block.mac_key.bytes(),
            block.envelopes
        ])?;
    for payload in &block.payloads {
        connection
            .prepare_cached(
                "INSERT INTO ledger_payload (tenant_id, n, first_index, key_id, class, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                tenant,
                n,
                column::signed(first),
                payload.key.bytes(),
                payload.class.as_str(),
                payload.sealed
            ])?;
    }
    for row in &block.search {
        let envelope = &row.envelope;
        connection
            .prepare_cached(
                "INSERT INTO ledger_search (tenant_id, n, ledger_index, first_index, event_type, action, decision, actor_id,
                    resource_type, resource_id, decision_id, recorded_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                tenant,
                n,
                column::signed(first + row.offset),
                column::signed(first),
                envelope.event_type.as_str(),
                envelope.action.as_str(),
                envelope.decision.as_str(),
                envelope.actor.id.bytes(),
                envelope.resource.resource_type,
                envelope.resource.id,
                envelope.decision_id.map(|decision| decision.bytes()),
                envelope.recorded_at.ms()
            ])?;
    }
    rows::insert(connection, group.tenant, &block.keys)?;
    group.head.next_index += count;
    Ok(Committed { first_index: first, already: false })
}

/// Rows of the values that went to blobs; after the run's row, which they refer to.
pub(crate) fn insert_blobs(group: &Group<'_>, block: &Sealed) -> Result<(), Stop> {
    for row in &block.blobs {
        group
            .connection
            .prepare_cached(
                "INSERT INTO blob (tenant_id, blob_id, kind, project_id, environment_id, run_id, class, key_id, size, created_at)
                 VALUES (?1, ?2, 'value', ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                group.tenant.bytes(),
                row.blob.bytes(),
                row.scope.project_id.bytes(),
                row.scope.environment_id.bytes(),
                block.run.map(|run| run.bytes()),
                row.class.as_str(),
                row.key.bytes(),
                column::signed(row.size),
                block.recorded_at.ms()
            ])?;
    }
    Ok(())
}
