//! Sealing: leaves that stand above the last checkpoint become tiles and one signed checkpoint.
//!
//! Reads outside the write lock; what it writes goes through the committer, if the head still stands where it read it.
//! The tree in memory is only used after its root has been compared with the last signed one.

use crate::commit::group::{Head, Stop, head};
use crate::crash;
use crate::known;
use crate::port::error::Error;
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::Tenant;
use dvt_ledger::block::decode_hashes;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::leaf::Hash;
use dvt_ledger::proof::consistency;
use dvt_ledger::tile::{Rows, Tile, TileId, WIDTH};
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::id::KeyId;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// The tree as far as it is sealed.
pub(crate) struct Sealing {
    n: i64,
    rows: Rows,
    /// The last signed one, and the keys that signed it.
    last: Option<Checkpoint>,
    last_by: Vec<VerifierKey>,
}

/// What one sealing adds.
struct Added {
    head: Head,
    sealing: Sealing,
    tiles: Vec<Tile>,
    checkpoint: Checkpoint,
    note: String,
    signer: KeyId,
}

/// Seals what is not yet sealed. `None` where there is nothing, or another process was quicker.
pub(crate) async fn seal(tenant: &Arc<Tenant>) -> Result<Option<Checkpoint>, Error> {
    // One sealing at a time: two would sign the same entries twice.
    let mut kept = tenant.sealing.lock().await;
    crate::rotate::if_due(tenant).await.map_err(Error::of)?;
    let (here, before) = (Arc::clone(tenant), kept.take());
    let added = match tenant.lanes.run(move |lane| grow(&here, lane, before)).await? {
        Grown::Added(added) => added,
        Grown::Nothing(sealing) => {
            *kept = Some(sealing);
            return Ok(None);
        }
    };
    let Added { head, sealing, tiles, checkpoint, note, signer } = *added;
    let (size, root, now) = (checkpoint.size, checkpoint.root, (tenant.clock)());
    let kept_note = note.clone();
    // If we crash here, the entries are durable and unsealed; the next sealing signs the same tree.
    crash::point("before-seal");
    let weight = tiles.len() * dvt_ledger::tile::BYTES;
    let written = tenant.committer.write(weight, move |group| -> Result<bool, Stop> {
        if group.head.n != head.n || group.head.sealed_size != head.sealed_size {
            return Ok(false);
        }
        let tenant = group.tenant.bytes();
        // INVARIANT(INV-03): a key that was replaced meanwhile, perhaps by another process, signs nothing any more.
        let newest: Vec<u8> = group.connection.cached_row(
            "SELECT key_id FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'checkpoint' ORDER BY epoch DESC LIMIT 1",
            [tenant],
            |row| row.get(0),
        )?;
        if newest != signer.bytes() {
            return Ok(false);
        }
        for tile in &tiles {
            group
                .connection
                .prepare_cached("INSERT INTO ledger_tile (tenant_id, n, level, tile, hashes) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![tenant, head.n, tile.id.level, column::signed(tile.id.index), tile.encode()])?;
        }
        group.connection.execute(
            "INSERT INTO ledger_checkpoint (tenant_id, n, size, root, note, signed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![tenant, head.n, column::signed(size), root, note, now.ms()],
        )?;
        group.connection.execute(
            "UPDATE ledger_head SET sealed_size = ?2 WHERE tenant_id = ?1",
            params![tenant, column::signed(size)],
        )?;
        group.head.sealed_size = size;
        Ok(true)
    });
    let is_ours = written.await.map_err(Error::of)?;
    // If we crash here, the checkpoint is durable and nobody was told; the next sealing goes on from it.
    crash::point("after-seal");
    if !is_ours {
        tenant.keyring.again()?;
        return Ok(None);
    }
    *kept = Some(sealing);
    // If we crash before this, what is known elsewhere lags behind the file, never the other way round.
    let (here, signed) = (Arc::clone(tenant), checkpoint.clone());
    let keeping = move |_: &Connection| {
        known::keep(&here, &signed, &kept_note);
        Ok(())
    };
    tenant.lanes.run(keeping).await?;
    Ok(Some(checkpoint))
}

fn grow(tenant: &Tenant, lane: &Connection, kept: Option<Sealing>) -> Result<Grown, Error> {
    // One read transaction: head, leaves and tiles of the same moment. It takes no lock that a writer waits for.
    let reading = lane.unchecked_transaction().sql()?;
    let head = head(&reading, tenant.id)?;
    let mut sealing = match kept.filter(|kept| kept.n == head.n && kept.rows.size() == head.sealed_size) {
        Some(kept) => kept,
        None => restore(tenant, &reading, &head)?,
    };
    if head.next_index == head.sealed_size {
        return Ok(Grown::Nothing(sealing));
    }
    let mut tiles = Vec::new();
    for leaf in leaves(tenant, &reading, head.n, head.sealed_size, head.next_index)? {
        sealing.rows.push(leaf, &mut tiles);
    }
    let checkpoint = Checkpoint::new(tenant.ledger, sealing.rows.size(), sealing.rows.root());
    // The signer is shown that the new tree extends the one it signed last.
    let proof = match &sealing.last {
        Some(last) => {
            let find = |id: TileId| match tiles.iter().find(|tile| tile.id == id) {
                Some(fresh) => Some(fresh.clone()),
                None => tile(tenant, &reading, head.n, id).ok().flatten(),
            };
            consistency(&sealing.rows.nodes(find), last.size, checkpoint.size)
                .ok_or_else(|| Error::integrity("a tile is missing"))?
        }
        None => Vec::new(),
    };
    let last = (sealing.last.as_ref(), &sealing.last_by[..]);
    let (note, signer) = tenant.keyring.sign(last, &checkpoint, &proof)?;
    let keys = tenant.keyring.verifier_keys()?;
    let signed = Checkpoint::open(&note, &keys).map_err(|error| Error::integrity(error.to_string()))?;
    sealing.last_by = signed.1.into_iter().cloned().collect();
    sealing.last = Some(checkpoint.clone());
    Ok(Grown::Added(Box::new(Added { head, sealing, tiles, checkpoint, note, signer })))
}

enum Grown {
    Added(Box<Added>),
    Nothing(Sealing),
}

/// Brings the tree back from tiles and leaves, and compares it with the last signed root.
// INVARIANT(INV-03): nothing is signed on top of a tree that is not the one signed before.
fn restore(tenant: &Tenant, lane: &Connection, head: &Head) -> Result<Sealing, Error> {
    let size = head.sealed_size;
    let tail = leaves(tenant, lane, head.n, size - size % WIDTH as u64, size)?;
    let rows = Rows::restore(size, &tail, |id| tile(tenant, lane, head.n, id).ok().flatten())
        .map_err(|error| Error::integrity(error.to_string()))?;
    let (mut last, mut last_by) = (None, Vec::new());
    if size > 0 {
        let note: Option<String> = lane
            .cached_row(
                "SELECT note FROM ledger_checkpoint WHERE tenant_id = ?1 AND n = ?2 AND size = ?3",
                params![tenant.id.bytes(), head.n, column::signed(size)],
                |row| row.get(0),
            )
            .optional()
            .sql()?;
        let Some(note) = note else {
            return Err(Error::integrity(format!("the checkpoint of size {size} is missing")));
        };
        // What counts is the signed text, not the columns beside it.
        let keys = tenant.keyring.verifier_keys()?;
        let (signed, signers) = Checkpoint::open(&note, &keys)
            .map_err(|error| Error::integrity(format!("the checkpoint of size {size}: {error}")))?;
        if signed != Checkpoint::new(tenant.ledger, size, rows.root()) {
            return Err(Error::integrity(format!("the tree of size {size} is not the signed one")));
        }
        last_by = signers.into_iter().cloned().collect();
        last = Some(signed);
    }
    Ok(Sealing { n: head.n, rows, last, last_by })
}

/// The sealed tree, compared with its signed root.
pub(crate) fn tree(tenant: &Tenant, lane: &Connection, head: &Head) -> Result<Rows, Error> {
    restore(tenant, lane, head).map(|sealing| sealing.rows)
}

/// A stored tile.
pub(crate) fn tile(tenant: &Tenant, lane: &Connection, n: i64, id: TileId) -> Result<Option<Tile>, Error> {
    let bytes: Option<Vec<u8>> = lane
        .cached_row(
            "SELECT hashes FROM ledger_tile WHERE tenant_id = ?1 AND n = ?2 AND level = ?3 AND tile = ?4",
            params![tenant.id.bytes(), n, id.level, column::signed(id.index)],
            |row| row.get(0),
        )
        .optional()
        .sql()?;
    Ok(bytes.and_then(|bytes| Tile::decode(id, &bytes)))
}

/// The leaves of `from..to`, from the blocks.
fn leaves(tenant: &Tenant, lane: &Connection, n: i64, from: u64, to: u64) -> Result<Vec<Hash>, Error> {
    let mut found = Vec::new();
    if from == to {
        return Ok(found);
    }
    let mut statement = lane
        .prepare_cached(
            "SELECT first_index, leaves FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND first_index < ?4
             AND first_index >= coalesce((SELECT max(first_index) FROM ledger_block
                 WHERE tenant_id = ?1 AND n = ?2 AND first_index <= ?3), 0)
             ORDER BY first_index",
        )
        .sql()?;
    let mut rows =
        statement.query(params![tenant.id.bytes(), n, column::signed(from), column::signed(to)]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let first = column::unsigned(row.get(0).sql()?)?;
        let bytes: Vec<u8> = row.get(1).sql()?;
        let hashes = decode_hashes(&bytes).map_err(|error| Error::integrity(error.to_string()))?;
        for (index, hash) in (first..).zip(hashes) {
            if (from..to).contains(&index) {
                if index != from + found.len() as u64 {
                    return Err(Error::integrity(format!("the entries before {index} are missing")));
                }
                found.push(hash);
            }
        }
    }
    if found.len() as u64 != to - from {
        return Err(Error::integrity(format!("{} of the entries {from} to {to} are there", found.len())));
    }
    Ok(found)
}
