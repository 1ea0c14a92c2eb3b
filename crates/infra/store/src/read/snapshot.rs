//! Snapshots: a cache of the fold, written beside the append. Deleting all of them changes no answer.

use super::Reader;
use crate::port::error::Error;
use crate::seal::document::{self, Cell};
use crate::sqlite::{Cached, Sql, column};
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, RunId};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::sync::Arc;

fn cell(row: &str, version: u64) -> Cell<'_> {
    Cell { table: "snapshot", column: "sealed", row, version }
}

/// The newest one of a run that the scope covers.
pub(crate) fn get(reader: &Reader, lane: &Connection, run: RunId) -> Result<Option<(u64, Value)>, Error> {
    if super::runs::one(reader, lane, run)?.is_none() {
        return Ok(None);
    }
    let row: Option<(i64, Vec<u8>, Vec<u8>)> = lane
        .cached_row(
            "SELECT last_run_seq, key_id, sealed FROM snapshot WHERE tenant_id = ?1 AND run_id = ?2",
            params![reader.tenant.id.bytes(), run.bytes()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .sql()?;
    let Some((seq, key, sealed)) = row else { return Ok(None) };
    let key = reader.tenant.keyring.seal_key(lane, column::id(&key, KeyId::from_bytes)?)?;
    let (seq, Some(key)) = (column::unsigned(seq)?, key) else { return Ok(None) };
    // The version in the AAD is the sequence number: an older snapshot put in its place does not open.
    let state = document::open(&reader.tenant, &key, cell(&run.key(), seq), &sealed)?;
    Ok(Some((seq, state)))
}

/// Keeps one if its sequence number rises and does not lie ahead of the run.
pub(crate) async fn put(reader: &Reader, run: RunId, seq: u64, state: Value) -> Result<(), Error> {
    let here = reader.clone();
    let sealed = reader.tenant.lanes.run(move |lane| {
        if super::runs::one(&here, lane, run)?.is_none() {
            return Err(Error::NotFound);
        }
        let holding = here.tenant.keyring.run_key(lane, run, PayloadClass::Standard, None)?;
        let key = crate::seal::keyring::SealKey::Run(Arc::clone(&holding));
        let sealed = document::seal(&here.tenant, &key, cell(&run.key(), seq), &state)?;
        Ok((holding, sealed))
    });
    let (holding, sealed) = sealed.await?;
    let (id, row) = (holding.id(), holding.undurable());
    let written = reader.tenant.committer.write(sealed.len(), move |group| {
        if let Some(row) = row {
            crate::seal::rows::insert(group.connection, group.tenant, &[row])?;
        }
        group.connection.execute(
            concat!(
                "INSERT INTO snapshot (tenant_id, run_id, last_run_seq, key_id, sealed)
                 SELECT ?1, ?2, ?3, ?4, ?5 FROM run WHERE tenant_id = ?1 AND run_id = ?2 AND ",
                super::runs::last_run_seq!(),
                " >= ?3
                 ON CONFLICT (tenant_id, run_id) DO UPDATE
                 SET last_run_seq = excluded.last_run_seq, key_id = excluded.key_id, sealed = excluded.sealed
                 WHERE excluded.last_run_seq > snapshot.last_run_seq"
            ),
            params![group.tenant.bytes(), run.bytes(), column::signed(seq), id.bytes(), sealed],
        )?;
        Ok(())
    });
    written.await.map_err(Error::of)
}
