//! A ledger file as an attacker holds it who can write SQL: every row in memory, changed at will, and written over a copy.
//!
//! The triggers are gone from the copy that everything starts from; whoever can write SQL can drop them. `ledger_search` stays as
//! it is: it proves nothing and no verifier reads it.

use dvt_ledger::block::{decode_envelopes, decode_hashes, encode_envelopes};
use dvt_ledger::leaf::{Hash, Salt, leaf_hash};
use dvt_ledger::tile::TileId;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// An entry in its block.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// Canonical bytes.
    pub envelope: Vec<u8>,
    /// Its salt.
    pub salt: Salt,
    /// Its stored leaf.
    pub leaf: Hash,
}

impl Entry {
    /// Computes the leaf again.
    pub fn releaf(&mut self) {
        self.leaf = leaf_hash(&self.salt, &self.envelope);
    }

    /// The envelope as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.envelope).into_owned()
    }
}

/// A row of `ledger_payload`.
#[derive(Clone, PartialEq)]
pub struct Payload {
    /// The key.
    pub key: Vec<u8>,
    /// The class.
    pub class: String,
    /// What is sealed.
    pub sealed: Vec<u8>,
}

/// A row of `ledger_block` with its payload rows.
#[derive(Clone, PartialEq)]
pub struct Block {
    /// Its id.
    pub id: Vec<u8>,
    /// Its kind.
    pub kind: String,
    /// Run, first and last `runSeq`.
    pub run: (Option<Vec<u8>>, Option<i64>, Option<i64>),
    /// The decision of an act.
    pub decision: Option<Vec<u8>>,
    /// Its time.
    pub recorded_at: i64,
    /// Types of its entries.
    pub event_types: String,
    /// MAC and its key.
    pub mac: (Vec<u8>, Vec<u8>),
    /// Its entries.
    pub entries: Vec<Entry>,
    /// Its payloads.
    pub payloads: Vec<Payload>,
}

/// Everything that a verifier reads.
#[derive(Clone)]
pub struct File {
    /// The tenant and the number of its ledger.
    pub of: (Vec<u8>, i64),
    /// Next index, sealed size, lowest index.
    pub head: (u64, u64, u64),
    /// Blocks, each with its first index.
    pub blocks: Vec<(u64, Arc<Block>)>,
    /// Full tiles.
    pub tiles: BTreeMap<TileId, Vec<u8>>,
    /// Checkpoints: size of the row, note.
    pub checkpoints: Vec<(u64, String)>,
    /// Keys that are to go.
    pub destroyed: Vec<Vec<u8>>,
}

fn sql(error: rusqlite::Error) -> String {
    error.to_string()
}

/// Whole numbers of the tables are never negative.
fn number(value: i64) -> u64 {
    value.unsigned_abs()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Opens a file as an attacker does.
pub fn open(path: &Path) -> Result<Connection, String> {
    let connection = Connection::open(path).map_err(sql)?;
    let settings = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
        PRAGMA ignore_check_constraints = ON; PRAGMA cache_size = -65536;";
    connection.execute_batch(settings).map_err(sql)?;
    Ok(connection)
}

/// Drops the triggers of a file.
pub fn drop_triggers(path: &Path) -> Result<(), String> {
    let connection = open(path)?;
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").map_err(sql)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(sql)?;
    for name in names.collect::<Result<Vec<_>, _>>().map_err(sql)? {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).map_err(sql)?;
    }
    Ok(())
}

impl File {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let connection = open(path)?;
        let (of, head) = connection
            .query_row(
                "SELECT tenant_id, n, next_index, sealed_size, lowest_index FROM ledger_head",
                [],
                |row| {
                    let head = (number(row.get(2)?), number(row.get(3)?), number(row.get(4)?));
                    Ok(((row.get(0)?, row.get(1)?), head))
                },
            )
            .map_err(sql)?;
        let mut payloads: BTreeMap<i64, Vec<Payload>> = BTreeMap::new();
        let mut statement = connection
            .prepare("SELECT first_index, key_id, class, sealed FROM ledger_payload ORDER BY first_index")
            .map_err(sql)?;
        let mut rows = statement.query([]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let read = || -> rusqlite::Result<(i64, Payload)> {
                Ok((row.get(0)?, Payload { key: row.get(1)?, class: row.get(2)?, sealed: row.get(3)? }))
            };
            let (first, payload) = read().map_err(sql)?;
            payloads.entry(first).or_default().push(payload);
        }
        let mut statement = connection
            .prepare(
                "SELECT first_index, block_id, kind, run_id, first_run_seq, last_run_seq, decision_id, recorded_at, event_types,
                    mac, mac_key_id, leaves, leaf_salts, envelopes FROM ledger_block ORDER BY first_index",
            )
            .map_err(sql)?;
        let mut rows = statement.query([]).map_err(sql)?;
        let mut blocks = Vec::new();
        while let Some(row) = rows.next().map_err(sql)? {
            let first: i64 = row.get(0).map_err(sql)?;
            let blob = |at: usize| row.get::<_, Vec<u8>>(at).map_err(sql);
            let (leaves, salts, envelopes) = (blob(11)?, blob(12)?, blob(13)?);
            let text = |error: dvt_ledger::block::Error| error.to_string();
            let hashes =
                decode_hashes(&leaves).map_err(text)?.into_iter().zip(decode_hashes(&salts).map_err(text)?);
            let entries = decode_envelopes(&envelopes).map_err(text)?.into_iter().zip(hashes);
            let read = || -> rusqlite::Result<Block> {
                Ok(Block {
                    id: row.get(1)?,
                    kind: row.get(2)?,
                    run: (row.get(3)?, row.get(4)?, row.get(5)?),
                    decision: row.get(6)?,
                    recorded_at: row.get(7)?,
                    event_types: row.get(8)?,
                    mac: (row.get(9)?, row.get(10)?),
                    entries: entries.map(|(envelope, (leaf, salt))| Entry { envelope, salt, leaf }).collect(),
                    payloads: payloads.remove(&first).unwrap_or_default(),
                })
            };
            blocks.push((number(first), Arc::new(read().map_err(sql)?)));
        }
        let mut statement = connection
            .prepare("SELECT level, tile, hashes FROM ledger_tile ORDER BY level, tile")
            .map_err(sql)?;
        let tiles = statement
            .query_map([], |row| Ok((TileId { level: row.get(0)?, index: number(row.get(1)?) }, row.get(2)?)))
            .map_err(sql)?;
        let tiles = tiles.collect::<Result<_, _>>().map_err(sql)?;
        let mut statement =
            connection.prepare("SELECT size, note FROM ledger_checkpoint ORDER BY size").map_err(sql)?;
        let checkpoints =
            statement.query_map([], |row| Ok((number(row.get(0)?), row.get(1)?))).map_err(sql)?;
        let checkpoints = checkpoints.collect::<Result<_, _>>().map_err(sql)?;
        Ok(Self { of, head, blocks, tiles, checkpoints, destroyed: Vec::new() })
    }

    /// Writes this state over a copy of `base`, which lies in `base_path`.
    pub fn write(&self, base: &Self, base_path: &Path, path: &Path) -> Result<(), String> {
        std::fs::copy(base_path, path).map_err(|error| error.to_string())?;
        let connection = open(path)?;
        connection.execute_batch("BEGIN").map_err(sql)?;
        self.write_blocks(base, &connection).map_err(sql)?;
        let (tenant, n) = &self.of;
        if self.tiles != base.tiles {
            connection.execute("DELETE FROM ledger_tile", []).map_err(sql)?;
            let insert =
                "INSERT INTO ledger_tile (tenant_id, n, level, tile, hashes) VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut insert = connection.prepare(insert).map_err(sql)?;
            for (id, hashes) in &self.tiles {
                insert.execute(params![tenant, n, id.level, signed(id.index), hashes]).map_err(sql)?;
            }
        }
        if self.checkpoints != base.checkpoints {
            connection.execute("DELETE FROM ledger_checkpoint", []).map_err(sql)?;
            let insert = "INSERT INTO ledger_checkpoint (tenant_id, n, size, root, note, signed_at)
                VALUES (?1, ?2, ?3, zeroblob(32), ?4, 0)";
            let mut insert = connection.prepare(insert).map_err(sql)?;
            for (size, note) in &self.checkpoints {
                insert.execute(params![tenant, n, signed(*size), note]).map_err(sql)?;
            }
        }
        for key in &self.destroyed {
            connection.execute("DELETE FROM wrapped_key WHERE key_id = ?1", [key]).map_err(sql)?;
        }
        let head = "UPDATE ledger_head SET next_index = ?1, sealed_size = ?2, lowest_index = ?3";
        let head_row = params![signed(self.head.0), signed(self.head.1), signed(self.head.2)];
        connection.execute(head, head_row).map_err(sql)?;
        connection.execute_batch("COMMIT").map_err(sql)
    }

    fn write_blocks(&self, base: &Self, connection: &Connection) -> rusqlite::Result<()> {
        let (tenant, n) = &self.of;
        let kept: BTreeMap<&[u8], (u64, &Arc<Block>)> =
            self.blocks.iter().map(|(first, block)| (block.id.as_slice(), (*first, block))).collect();
        let is_same = |first: u64, block: &Arc<Block>| {
            kept.get(block.id.as_slice()).is_some_and(|(at, other)| *at == first && Arc::ptr_eq(other, block))
        };
        let before: BTreeMap<&[u8], (u64, &Arc<Block>)> =
            base.blocks.iter().map(|(first, block)| (block.id.as_slice(), (*first, block))).collect();
        // By the whole key: an attack that moves everything behind it would otherwise read all blocks for each of them.
        let whose = "WHERE tenant_id = ?1 AND n = ?2 AND first_index = ?3";
        let mut delete = connection.prepare(&format!("DELETE FROM ledger_block {whose}"))?;
        let mut forget = connection.prepare(&format!("DELETE FROM ledger_payload {whose}"))?;
        for (first, _) in base.blocks.iter().filter(|(first, block)| !is_same(*first, block)) {
            let place = params![tenant, n, signed(*first)];
            delete.execute(place)?;
            forget.execute(place)?;
        }
        let mut insert = connection.prepare(
            "INSERT INTO ledger_block (tenant_id, n, first_index, block_id, kind, count, run_id, first_run_seq, last_run_seq,
                decision_id, recorded_at, event_types, leaves, leaf_salts, mac, mac_key_id, envelopes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        let mut seal = connection.prepare(
            "INSERT INTO ledger_payload (tenant_id, n, first_index, key_id, class, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (first, block) in &self.blocks {
            let old = before.get(block.id.as_slice());
            if old.is_some_and(|(at, other)| at == first && Arc::ptr_eq(other, block)) {
                continue;
            }
            let join =
                |pick: fn(&Entry) -> &[u8]| block.entries.iter().flat_map(pick).copied().collect::<Vec<u8>>();
            let envelopes: Vec<Vec<u8>> = block.entries.iter().map(|entry| entry.envelope.clone()).collect();
            insert.execute(params![
                tenant,
                n,
                signed(*first),
                block.id,
                block.kind,
                signed(block.entries.len() as u64),
                block.run.0,
                block.run.1,
                block.run.2,
                block.decision,
                block.recorded_at,
                block.event_types,
                join(|entry| &entry.leaf),
                join(|entry| &entry.salt),
                block.mac.0,
                block.mac.1,
                encode_envelopes(&envelopes).unwrap_or_default()
            ])?;
            for payload in &block.payloads {
                seal.execute(params![tenant, n, signed(*first), payload.key, payload.class, payload.sealed])?;
            }
        }
        Ok(())
    }

    /// The block that holds an entry, and its place in it.
    pub fn find(&self, index: u64) -> Option<(usize, usize)> {
        let at = self.blocks.partition_point(|(first, _)| *first <= index).checked_sub(1)?;
        let (first, block) = self.blocks.get(at)?;
        let place = usize::try_from(index - first).ok()?;
        (place < block.entries.len()).then_some((at, place))
    }

    /// Changes a block.
    pub fn change(&mut self, at: usize, change: impl FnOnce(&mut Block)) {
        if let Some((_, block)) = self.blocks.get_mut(at) {
            change(Arc::make_mut(block));
        }
    }

    /// All stored leaves from the lowest index on.
    pub fn leaves(&self) -> impl Iterator<Item = Hash> + '_ {
        self.blocks.iter().flat_map(|(_, block)| block.entries.iter().map(|entry| entry.leaf))
    }
}
