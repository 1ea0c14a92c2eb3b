//! Entries with what proves them: salt, inclusion path from tiles, the newest signed checkpoint, and, for those who may read them,
//! payloads in clear.
//!
//! The tree that paths are made from is compared with the signed root first: a path that would not hold is never given out.

use super::Reader;
use super::events::Payloads;
use super::ledger::{Hit, Search, range};
use crate::commit::group::head;
use crate::port::error::Error;
use crate::port::ledger::{Cleared, Exported, MOST_EXPORTED, PayloadSight, Proven, Query, Sight, Which};
use crate::sealer;
use crate::sqlite::{Cached, Sql, column};
use dvt_ledger::proof::{consistency, inclusion};
use dvt_ledger::tile::{Rows, Tile, TileId};
use dvt_ledger::{Hash, announce};
use dvt_model::entry::EventType;
use dvt_model::id::KeyId;
use rusqlite::{Connection, OptionalExtension, params};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The tree as it was sealed last.
struct Prover<'a> {
    reader: &'a Reader,
    lane: &'a Connection,
    n: i64,
    rows: Rows,
    note: String,
    tiles: RefCell<BTreeMap<TileId, Option<Tile>>>,
}

impl<'a> Prover<'a> {
    fn new(reader: &'a Reader, lane: &'a Connection) -> Result<Self, Error> {
        let head = head(lane, reader.tenant.id)?;
        let note: Option<String> = lane
            .cached_row(
                "SELECT note FROM ledger_checkpoint WHERE tenant_id = ?1 AND n = ?2 AND size = ?3",
                params![reader.tenant.id.bytes(), head.n, column::signed(head.sealed_size)],
                |row| row.get(0),
            )
            .optional()
            .sql()?;
        let note = note.ok_or(Error::NotFound)?;
        let rows = sealer::tree(&reader.tenant, lane, &head)?;
        Ok(Self { reader, lane, n: head.n, rows, note, tiles: RefCell::default() })
    }

    fn tile(&self, id: TileId) -> Option<Tile> {
        let mut tiles = self.tiles.borrow_mut();
        let read = || sealer::tile(&self.reader.tenant, self.lane, self.n, id).ok().flatten();
        tiles.entry(id).or_insert_with(read).clone()
    }

    fn path(&self, index: u64) -> Result<Vec<Hash>, Error> {
        let nodes = self.rows.nodes(|id| self.tile(id));
        inclusion(&nodes, index, self.rows.size())
            .ok_or_else(|| Error::integrity(format!("the entry {index} cannot be proved: a tile is missing")))
    }

    fn prove(&self, hit: &Hit, with_payloads: bool) -> Result<Proven, Error> {
        let read = |what: &str| Error::integrity(format!("the entry {} has no {what}", hit.index));
        Ok(Proven {
            index: hit.index,
            envelope: hit.block.envelopes.get(hit.position).ok_or_else(|| read("envelope"))?.clone(),
            leaf_salt: *hit.block.leaf_salts.get(hit.position).ok_or_else(|| read("salt"))?,
            path: self.path(hit.index)?,
            payloads: if with_payloads { self.payloads(hit)? } else { Vec::new() },
        })
    }

    fn payloads(&self, hit: &Hit) -> Result<Vec<Cleared>, Error> {
        let mut payloads = Payloads::new(self.lane, &self.reader.tenant, &hit.block);
        let mut cleared = Vec::new();
        for commit in &hit.envelope.payloads {
            if self.reader.tenant.keyring.seal_key(self.lane, commit.key_id)?.is_none() {
                cleared.push(Cleared::Erased);
                continue;
            }
            let opened = payloads.raw(hit.position, commit.key_id)?;
            let opened = opened.ok_or_else(|| Error::integrity("a sealed payload is not there"))?;
            if dvt_ledger::leaf::payload_commit(&opened.salt, &opened.canonical) != commit.commit {
                return Err(Error::integrity(format!(
                    "the payload of {} is not the one committed to",
                    hit.index
                )));
            }
            let value = serde_json::from_slice(&opened.canonical).map_err(|_| Error::Decrypt)?;
            cleared.push(Cleared::Open { salt: opened.salt, value });
        }
        Ok(cleared)
    }
}

/// Entries with their proofs, newest first.
pub(crate) fn export(
    reader: &Reader,
    lane: &Connection,
    sight: &Sight,
    payloads: Option<&PayloadSight>,
    query: &Query,
) -> Result<Exported, Error> {
    if !sight.may_export || payloads.is_some_and(|of| of.scope.ids() != reader.scope.ids()) {
        return Err(Error::Contract("an export needs the right to export".to_owned()));
    }
    let prover = Prover::new(reader, lane)?;
    let search = Search::new(reader, lane, sight, query, range(reader, query)?)?;
    let size = prover.rows.size();
    let hits = search.hits(u64::MAX >> 1, MOST_EXPORTED as usize)?;
    let unsealed = hits.iter().filter(|hit| hit.index >= size).count() as u64;
    let (mut entries, mut erased) = (Vec::with_capacity(hits.len()), BTreeSet::new());
    for hit in hits.iter().filter(|hit| hit.index < size) {
        let proven = prover.prove(hit, payloads.is_some())?;
        let gone = hit.envelope.payloads.iter().zip(&proven.payloads);
        erased.extend(
            gone.filter(|(_, cleared)| **cleared == Cleared::Erased).map(|(commit, _)| commit.key_id),
        );
        entries.push(proven);
    }
    let tombstones = tombstones(&search, &prover, sight, &erased)?;
    Ok(Exported { note: prover.note, size, entries, tombstones, unsealed })
}

/// The entries that say that keys are gone, wherever they stand.
fn tombstones(
    search: &Search<'_>,
    prover: &Prover<'_>,
    sight: &Sight,
    erased: &BTreeSet<KeyId>,
) -> Result<Vec<Proven>, Error> {
    let mut found = Vec::new();
    for key in erased {
        let query = Query {
            resource: Some(announce::key(*key).id),
            event_type: Some(EventType::KeyEvent),
            ..Query::default()
        };
        let range = crate::port::ledger::Range {
            since: dvt_model::time::Timestamp::from_ms(0),
            until: (search.reader.tenant.clock)(),
        };
        let of_key = Search::new(search.reader, search.lane, sight, &query, range)?;
        for hit in of_key.hits(prover.rows.size(), 10)? {
            if hit.envelope.event_name.as_deref() == Some(announce::PAYLOAD_ERASED) {
                found.push(prover.prove(&hit, false)?);
            }
        }
    }
    Ok(found)
}

/// One entry with its proof, under the newest checkpoint.
pub(crate) fn one(
    reader: &Reader,
    lane: &Connection,
    sight: &Sight,
    which: Which,
) -> Result<Exported, Error> {
    let prover = Prover::new(reader, lane)?;
    let size = prover.rows.size();
    let query = Query::default();
    let always = crate::port::ledger::Range {
        since: dvt_model::time::Timestamp::from_ms(0),
        until: dvt_model::time::Timestamp::from_ms(i64::MAX / 2),
    };
    let search = Search::new(reader, lane, sight, &query, always)?;
    let index = match which {
        Which::Index(index) => index,
        Which::Entry(entry) => {
            index_of(reader, lane, prover.n, &entry.to_string())?.ok_or(Error::NotFound)?
        }
    };
    let next_index = head(lane, reader.tenant.id)?.next_index;
    if index >= size {
        let unsealed = u64::from(index < next_index);
        return Ok(Exported {
            note: prover.note,
            size,
            entries: Vec::new(),
            tombstones: Vec::new(),
            unsealed,
        });
    }
    let block = search.block(index)?;
    let hit = search.hit(&block, index)?.ok_or(Error::NotFound)?;
    let entries = vec![prover.prove(&hit, false)?];
    Ok(Exported { note: prover.note, size, entries, tombstones: Vec::new(), unsealed: 0 })
}

/// Where an entry of this id stands. No index leads from an id to its entry: an id is looked for in the envelopes themselves.
fn index_of(reader: &Reader, lane: &Connection, n: i64, entry: &str) -> Result<Option<u64>, Error> {
    let columns = super::events::COLUMNS;
    let text = format!(
        "SELECT {columns} FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND instr(envelopes, ?3) > 0 ORDER BY first_index DESC"
    );
    let wanted = format!("\"entryId\":\"{entry}\"").into_bytes();
    let mut statement = lane.prepare_cached(&text).sql()?;
    let mut rows = statement.query(params![reader.tenant.id.bytes(), n, wanted]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let block = super::events::block(row).sql()??;
        let holds = |envelope: &Vec<u8>| envelope.windows(wanted.len()).any(|window| window == wanted);
        if let Some(place) = block.envelopes.iter().position(holds) {
            return Ok(Some(block.first_index + place as u64));
        }
    }
    Ok(None)
}

/// The proof that the newest checkpoint extends the tree of `first` leaves, and that checkpoint.
pub(crate) fn extends(reader: &Reader, lane: &Connection, first: u64) -> Result<(String, Vec<Hash>), Error> {
    let prover = Prover::new(reader, lane)?;
    let path = consistency(&prover.rows.nodes(|id| prover.tile(id)), first, prover.rows.size());
    Ok((prover.note.clone(), path.ok_or(Error::NotFound)?))
}
