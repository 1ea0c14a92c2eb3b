//! Run events and their payloads, checked against leaf, MAC and commitment before they are given out (contract 7.2, G2).

use super::Reader;
use crate::blob::value;
use crate::commit::authenticate;
use crate::port::error::Error;
use crate::port::operation::StoredEvent;
use crate::seal::payload::{self, Opened};
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::Ground;
use dvt_ledger::block::{Block, Kind, decode_envelopes, decode_hashes};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::entry::{Envelope, EventType, PayloadCommit};
use dvt_model::id::{BlockId, DecisionId, KeyId, PrincipalId, RunId};
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most events of one call.
const MOST: u32 = 1_000;

/// The columns that [`block`] expects, in its order.
pub(crate) const COLUMNS: &str = "first_index, block_id, kind, run_id, first_run_seq, recorded_at, leaves, leaf_salts, mac, mac_key_id, envelopes, count";

/// A block's columns.
pub(crate) fn block(row: &Row<'_>) -> rusqlite::Result<Result<Block, Error>> {
    let first: i64 = row.get(0)?;
    let id: Vec<u8> = row.get(1)?;
    let kind: String = row.get(2)?;
    let run: Option<Vec<u8>> = row.get(3)?;
    let seq: Option<i64> = row.get(4)?;
    let recorded: i64 = row.get(5)?;
    // Borrowed: a row may be large, and each of these is copied once more below.
    let (leaves, salts) = (row.get_ref(6)?.as_blob()?, row.get_ref(7)?.as_blob()?);
    let mac: Vec<u8> = row.get(8)?;
    let mac_key: Vec<u8> = row.get(9)?;
    let envelopes = row.get_ref(10)?.as_blob()?;
    let count: i64 = row.get(11)?;
    let read = || -> Result<Block, Error> {
        let damaged = |_| Error::integrity(format!("the block at {first} cannot be read"));
        let block = Block {
            block_id: column::id(&id, BlockId::from_bytes)?,
            kind: column::word(Kind::parse(&kind), "a kind")?,
            first_index: column::unsigned(first)?,
            run_id: run.map(|run| column::id(&run, RunId::from_bytes)).transpose()?,
            first_run_seq: seq.map(column::unsigned).transpose()?,
            recorded_at: column::time(recorded),
            leaves: decode_hashes(leaves).map_err(damaged)?,
            leaf_salts: decode_hashes(salts).map_err(damaged)?,
            mac: column::hash(&mac)?,
            mac_key_id: column::id(&mac_key, KeyId::from_bytes)?,
            envelopes: decode_envelopes(envelopes).map_err(damaged)?,
        };
        let count = usize::try_from(count).ok();
        if count != Some(block.leaves.len())
            || count != Some(block.envelopes.len())
            || count != Some(block.leaf_salts.len())
        {
            return Err(Error::integrity(format!("the block at {first} does not count what it holds")));
        }
        Ok(block)
    };
    Ok(read())
}

/// Run events after `after`.
pub(crate) fn fetch(
    reader: &Reader,
    lane: &Connection,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>, Error> {
    if super::runs::one(reader, lane, run)?.is_none() {
        return Err(Error::NotFound);
    }
    let limit = limit.clamp(1, MOST) as usize;
    let tenant = &reader.tenant;
    let mut statement = lane
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM ledger_block WHERE tenant_id = ?1 AND run_id = ?2 AND first_run_seq >= coalesce(
                (SELECT max(first_run_seq) FROM ledger_block WHERE tenant_id = ?1 AND run_id = ?2 AND first_run_seq <= ?3), 0)
             ORDER BY first_run_seq"
        ))
        .sql()?;
    let next = column::signed(after.saturating_add(1));
    let mut rows = statement.query(params![tenant.id.bytes(), run.bytes(), next]).sql()?;
    let mut events = Vec::new();
    let mut expected: Option<u64> = None;
    while let Some(row) = rows.next().sql()? {
        let block = block(row).sql()??;
        authenticate::check(&tenant.keyring, lane, tenant.ledger, &block)?;
        let mut payloads = Payloads::new(lane, tenant, &block);
        for (offset, bytes) in block.envelopes.iter().enumerate() {
            let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| damaged(&block))?;
            let Some(seq) = envelope.run.as_ref().map(|part| part.run_seq) else { continue };
            if envelope.run_id != Some(run)
                || envelope.tenant_id != tenant.id
                || expected.is_some_and(|wanted| wanted != seq)
            {
                return Err(damaged(&block));
            }
            expected = Some(seq + 1);
            if seq <= after {
                continue;
            }
            let payload = match envelope.payloads.first() {
                Some(commit) => payloads.take(offset, commit)?,
                None => None,
            };
            events.push(StoredEvent { index: block.first_index + offset as u64, envelope, payload });
            if events.len() == limit {
                return Ok(events);
            }
        }
    }
    Ok(events)
}

fn damaged(block: &Block) -> Error {
    Error::integrity(format!("the block at {} holds what does not belong there", block.first_index))
}

/// The opened payload rows of a block, each opened once.
pub(crate) struct Payloads<'a> {
    lane: &'a Connection,
    tenant: &'a Ground,
    block: &'a Block,
    rows: BTreeMap<KeyId, Option<OpenRow>>,
}

struct OpenRow {
    key: crate::seal::keyring::SealKey,
    opened: Vec<Opened>,
}

impl<'a> Payloads<'a> {
    pub(crate) fn new(lane: &'a Connection, tenant: &'a Ground, block: &'a Block) -> Self {
        Self { lane, tenant, block, rows: BTreeMap::new() }
    }

    /// The payload of an entry before its blobs are brought back; `None` when key or row are gone.
    pub(crate) fn raw(&mut self, offset: usize, key: KeyId) -> Result<Option<&Opened>, Error> {
        if !self.rows.contains_key(&key) {
            let row = self.open(key)?;
            self.rows.insert(key, row);
        }
        let row = self.rows.get(&key).and_then(Option::as_ref);
        Ok(row.and_then(|row| row.opened.iter().find(|opened| opened.offset == offset)))
    }

    /// All payloads of the block under a key; `None` when key or row are gone.
    pub(crate) fn row(&self, key: KeyId) -> Result<Option<Vec<Opened>>, Error> {
        Ok(self.open(key)?.map(|row| row.opened))
    }

    fn open(&self, key: KeyId) -> Result<Option<OpenRow>, Error> {
        let row: Option<(Vec<u8>, Vec<u8>)> = self
            .lane
            .cached_row(
                "SELECT sealed, coalesce(sealed_under, key_id) FROM ledger_payload WHERE tenant_id = ?1 AND first_index = ?2 AND key_id = ?3
                 AND n = (SELECT n FROM ledger_head WHERE tenant_id = ?1)",
                params![self.tenant.id.bytes(), column::signed(self.block.first_index), key.bytes()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .sql()?;
        let Some((sealed, under)) = row else { return Ok(None) };
        let under = column::id(&under, KeyId::from_bytes)?;
        let Some(key) = self.tenant.keyring.seal_key(self.lane, under)? else { return Ok(None) };
        let opened = payload::open(self.tenant, &key, self.block.block_id, &sealed)?;
        Ok(Some(OpenRow { key, opened }))
    }

    /// The payload of an entry, checked against its commitment, blobs brought back.
    fn take(&mut self, offset: usize, commit: &PayloadCommit) -> Result<Option<Value>, Error> {
        let Some(opened) = self.raw(offset, commit.key_id)? else { return Ok(None) };
        let found: Digest = dvt_ledger::leaf::payload_commit(&opened.salt, &opened.canonical);
        if found != commit.commit {
            return Err(Error::integrity(format!(
                "a payload at {} does not match its commitment",
                self.block.first_index
            )));
        }
        let mut value: Value = serde_json::from_slice(&opened.canonical).map_err(|_| Error::Decrypt)?;
        let fields = opened.blobs.clone();
        let Some(Some(row)) = self.rows.get(&commit.key_id) else { return Ok(None) };
        let whole = value::bring_back(self.tenant, &row.key, &mut value, &fields)?;
        Ok(whole.then_some(value))
    }
}

/// Whether a granted read is entered already (contract 7.1: folded per hour).
pub(crate) fn read_recorded(
    reader: &Reader,
    lane: &Connection,
    (who, action, resource): (PrincipalId, &str, &str),
    since: Timestamp,
) -> Result<bool, Error> {
    let found: Option<i64> = lane
        .cached_row(
            "SELECT 1 FROM ledger_search WHERE tenant_id = ?1 AND actor_id = ?2 AND recorded_at >= ?3 AND action = ?4
             AND resource_id = ?5 AND decision = 'GRANTED' AND event_type = 'AUTH_DECISION' LIMIT 1",
            params![reader.tenant.id.bytes(), who.bytes(), since.ms(), action, resource],
            |row| row.get(0),
        )
        .optional()
        .sql()?;
    Ok(found.is_some())
}

/// Whether a decision is entered.
pub(crate) fn decision_recorded(
    reader: &Reader,
    lane: &Connection,
    decision: DecisionId,
) -> Result<bool, Error> {
    let found: Option<i64> = lane
        .cached_row(
            "SELECT 1 FROM ledger_search WHERE tenant_id = ?1 AND decision_id = ?2 AND decision_id IS NOT NULL
             AND event_type = 'AUTH_DECISION'",
            params![reader.tenant.id.bytes(), decision.bytes()],
            |row| row.get(0),
        )
        .optional()
        .sql()?;
    Ok(found.is_some())
}

/// The code by which what was decided was refused after the decision, where it was.
pub(crate) fn decision_in_vain(
    reader: &Reader,
    lane: &Connection,
    decision: DecisionId,
) -> Result<Option<Code>, Error> {
    let tenant = &reader.tenant;
    let found: Option<(i64, i64)> = lane
        .cached_row(
            "SELECT n, first_index FROM ledger_search WHERE tenant_id = ?1 AND decision_id = ?2 AND decision_id IS NOT NULL
             AND event_type = 'AUTH_DECISION'",
            params![tenant.id.bytes(), decision.bytes()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .sql()?;
    let Some((n, first_index)) = found else { return Ok(None) };
    let text =
        format!("SELECT {COLUMNS} FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND first_index = ?3");
    let block = lane.cached_row(&text, params![tenant.id.bytes(), n, first_index], block).sql()??;
    authenticate::check(&tenant.keyring, lane, tenant.ledger, &block)?;
    for bytes in &block.envelopes {
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| damaged(&block))?;
        if envelope.event_type == EventType::AuthDecision && envelope.decision_id == Some(decision) {
            return Ok(envelope.reason_code.as_deref().and_then(Code::parse));
        }
    }
    Err(damaged(&block))
}
