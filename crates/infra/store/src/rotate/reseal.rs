//! Sealing again what lies under a data key that was replaced, and the end of that key.
//!
//! A batch reads rows under the old key, seals them on a lane, and writes them back where they are still under it. A row keeps
//! the id by which its envelope names its key; `sealed_under` says which it is today. A payload with values in blobs stays
//! under its old key, and the old key with it: that is rare, for acts are small.

use super::{SETTLED_MS, retired};
use crate::blob;
use crate::commit::change::{self, Change, Drafted, submit};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::port::error::{Error, Refusal};
use crate::port::operation::EntryDraft;
use crate::read::Reader;
use crate::seal::document::{self, Cell, plan_row};
use crate::seal::keyring::SealKey;
use crate::seal::payload;
use crate::sqlite::{Sql, column};
use crate::tenant::Tenant;
use dvt_keys::Purpose;
use dvt_ledger::announce;
use dvt_model::action::Action;
use dvt_model::entry::EventType;
use dvt_model::id::{BlobId, BlockId, EnvironmentId, KeyId, PlanId, ProjectId};
use dvt_model::scope::ScopeIds;
use rusqlite::{Connection, params};
use std::sync::Arc;

/// Rows of one batch.
const BATCH: i64 = 100;
/// Ledger indices that one look goes through.
const REACH: i64 = 50_000;

/// A row, sealed again: the statement that puts it back and what it binds after tenant, new key, new bytes and old key.
enum Again {
    Plan {
        project: Vec<u8>,
        environment: Vec<u8>,
        plan: Vec<u8>,
        version: String,
        sealed: Vec<u8>,
    },
    Member {
        principal: Vec<u8>,
        sealed: Vec<u8>,
    },
    Setting {
        project: Vec<u8>,
        environment: Vec<u8>,
        kind: String,
        name: String,
        version: i64,
        sealed: Vec<u8>,
    },
    Payload {
        n: i64,
        first: i64,
        named: Vec<u8>,
        sealed: Vec<u8>,
    },
    Bundle {
        old: BlobId,
        new: BlobId,
    },
}

/// What a batch found.
struct Batch {
    rows: Vec<Again>,
    /// From where the next look at payloads goes on; `None` at the end.
    next: Option<i64>,
}

/// Seals again everything under the oldest replaced data key, and ends that key once nothing can come under it any more.
/// Gives how many rows were sealed again.
pub(crate) async fn work_off(tenant: &Arc<Tenant>) -> Result<u64, Error> {
    let here = Arc::clone(tenant);
    let Some((old, at)) = tenant.lanes.run(move |lane| retired(lane, &here, Purpose::Dek)).await? else {
        return Ok(0);
    };
    // Whoever replaced it, the key that took over is known from here on.
    tenant.keyring.again()?;
    let began = (tenant.clock)();
    let (mut from, mut count) = (0, 0);
    loop {
        let here = Arc::clone(tenant);
        let batch = tenant.lanes.run(move |lane| look(&here, lane, old, from)).await?;
        count += batch.rows.len() as u64;
        let (next, is_empty) = (batch.next, batch.rows.is_empty());
        if !is_empty {
            write(tenant, old, batch.rows).await?;
        }
        match next {
            // Other tables are asked until they have nothing; payloads from where the last look ended.
            Some(next) => from = next,
            None if is_empty => break,
            None => {}
        }
    }
    let settled = column::time(at).plus_ms(SETTLED_MS);
    if began >= settled {
        end(tenant, old).await?;
    }
    Ok(count)
}

fn look(tenant: &Tenant, lane: &Connection, old: KeyId, from: i64) -> Result<Batch, Error> {
    let new = tenant.keyring.tenant_key()?;
    let Some(key) = tenant.keyring.seal_key(lane, old)? else {
        return Ok(Batch { rows: Vec::new(), next: None });
    };
    if new.id() == old {
        return Ok(Batch { rows: Vec::new(), next: None });
    }
    let keys = (&key, &new);
    let mut rows = plans(tenant, lane, keys)?;
    rows.extend(members(tenant, lane, keys)?);
    rows.extend(settings(tenant, lane, keys)?);
    rows.extend(bundles(tenant, lane, keys)?);
    let (payloads, next) = payloads(tenant, lane, keys, from)?;
    rows.extend(payloads);
    Ok(Batch { rows, next })
}

fn again(
    tenant: &Tenant,
    (old, new): (&SealKey, &SealKey),
    cell: Cell<'_>,
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let value = document::open(tenant, old, cell, sealed)?;
    document::seal(tenant, new, cell, &value)
}

fn plans(tenant: &Tenant, lane: &Connection, keys: (&SealKey, &SealKey)) -> Result<Vec<Again>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT project_id, environment_id, plan_id, plan_version, sealed FROM plan WHERE tenant_id = ?1 AND key_id = ?2
             LIMIT ?3",
        )
        .sql()?;
    let mut rows = statement.query(params![tenant.id.bytes(), keys.0.id().bytes(), BATCH]).sql()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let (plan, version): (Vec<u8>, String) = (row.get(2).sql()?, row.get(3).sql()?);
        let sealed: Vec<u8> = row.get(4).sql()?;
        let name = plan_row(column::id(&plan, PlanId::from_bytes)?, &version);
        let cell = Cell { table: "plan", column: "sealed", row: &name, version: 0 };
        let sealed = again(tenant, keys, cell, &sealed)?;
        let (project, environment) = (row.get(0).sql()?, row.get(1).sql()?);
        found.push(Again::Plan { project, environment, plan, version, sealed });
    }
    Ok(found)
}

fn members(tenant: &Tenant, lane: &Connection, keys: (&SealKey, &SealKey)) -> Result<Vec<Again>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT principal_id, name_sealed FROM member WHERE tenant_id = ?1 AND key_id = ?2 LIMIT ?3",
        )
        .sql()?;
    let mut rows = statement.query(params![tenant.id.bytes(), keys.0.id().bytes(), BATCH]).sql()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let (principal, sealed): (Vec<u8>, Vec<u8>) = (row.get(0).sql()?, row.get(1).sql()?);
        let name = column::id(&principal, dvt_model::id::PrincipalId::from_bytes)?.key();
        let cell = Cell { table: "member", column: "name_sealed", row: &name, version: 0 };
        found.push(Again::Member { principal, sealed: again(tenant, keys, cell, &sealed)? });
    }
    Ok(found)
}

fn settings(tenant: &Tenant, lane: &Connection, keys: (&SealKey, &SealKey)) -> Result<Vec<Again>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT project_id, environment_id, kind, name, row_version, sealed FROM setting WHERE tenant_id = ?1 AND key_id = ?2
             LIMIT ?3",
        )
        .sql()?;
    let mut rows = statement.query(params![tenant.id.bytes(), keys.0.id().bytes(), BATCH]).sql()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let (kind, name): (String, String) = (row.get(2).sql()?, row.get(3).sql()?);
        let version: i64 = row.get(4).sql()?;
        let sealed: Vec<u8> = row.get(5).sql()?;
        let (project, environment): (Vec<u8>, Vec<u8>) = (row.get(0).sql()?, row.get(1).sql()?);
        let scope = ScopeIds {
            tenant_id: tenant.id,
            project_id: column::id(&project, ProjectId::from_bytes)?,
            environment_id: column::id(&environment, EnvironmentId::from_bytes)?,
        };
        let place = crate::retention::setting::place(&scope, &kind, &name);
        let cell =
            Cell { table: "setting", column: "sealed", row: &place, version: column::unsigned(version)? };
        let sealed = again(tenant, keys, cell, &sealed)?;
        found.push(Again::Setting { project, environment, kind, name, version, sealed });
    }
    Ok(found)
}

/// Bundles are written again as new files; the old file is removed once no row names it.
fn bundles(tenant: &Tenant, lane: &Connection, keys: (&SealKey, &SealKey)) -> Result<Vec<Again>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT blob_id, size FROM blob WHERE tenant_id = ?1 AND key_id = ?2 AND kind = 'bundle' LIMIT 4",
        )
        .sql()?;
    let mut rows = statement.query(params![tenant.id.bytes(), keys.0.id().bytes()]).sql()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let id: Vec<u8> = row.get(0).sql()?;
        let (old, size) = (column::id(&id, BlobId::from_bytes)?, column::unsigned(row.get(1).sql()?)?);
        let Some(bytes) = blob::get(tenant, keys.0, old, size)? else { continue };
        found.push(Again::Bundle { old, new: blob::put(tenant, keys.1, &bytes)? });
    }
    Ok(found)
}

fn payloads(
    tenant: &Tenant,
    lane: &Connection,
    keys: (&SealKey, &SealKey),
    from: i64,
) -> Result<(Vec<Again>, Option<i64>), Error> {
    let reading = lane.unchecked_transaction().sql()?;
    let head = crate::commit::group::head(&reading, tenant.id)?;
    let until = from.saturating_add(REACH);
    let mut statement = reading
        .prepare_cached(
            "SELECT p.first_index, p.key_id, p.sealed, b.block_id FROM ledger_payload p
             JOIN ledger_block b ON b.tenant_id = p.tenant_id AND b.n = p.n AND b.first_index = p.first_index
             WHERE p.tenant_id = ?1 AND p.n = ?2 AND p.first_index >= ?3 AND p.first_index < ?4
               AND coalesce(p.sealed_under, p.key_id) = ?5 ORDER BY p.first_index LIMIT ?6",
        )
        .sql()?;
    let old = keys.0.id().bytes();
    let mut rows = statement.query(params![tenant.id.bytes(), head.n, from, until, old, BATCH]).sql()?;
    let (mut found, mut last, mut count) = (Vec::new(), from, 0);
    while let Some(row) = rows.next().sql()? {
        let first: i64 = row.get(0).sql()?;
        let (named, sealed): (Vec<u8>, Vec<u8>) = (row.get(1).sql()?, row.get(2).sql()?);
        let block: Vec<u8> = row.get(3).sql()?;
        (last, count) = (first, count + 1);
        let block = column::id(&block, BlockId::from_bytes)?;
        let opened = payload::open(tenant, keys.0, block, &sealed)?;
        if opened.iter().all(|one| one.blobs.is_empty()) {
            let sealed = payload::seal(tenant, keys.1, block, &opened)?;
            found.push(Again::Payload { n: head.n, first, named, sealed });
        }
    }
    let next = if count == BATCH { last.saturating_add(1) } else { until };
    Ok((found, (next < column::signed(head.next_index)).then_some(next)))
}

/// If we crash before the commit, the rows are under the old key as before; files of bundles that no row names are swept.
async fn write(tenant: &Arc<Tenant>, old: KeyId, rows: Vec<Again>) -> Result<(), Error> {
    let new = tenant.keyring.tenant_key()?.id();
    let weight = rows.len() * 1024;
    let written = tenant.committer.write(weight, move |group| {
        let mut gone = Vec::new();
        for row in &rows {
            put(group, (old, new), row, &mut gone)?;
        }
        Ok(gone)
    });
    let gone = written.await.map_err(Error::of)?;
    crate::erase::unlink(tenant, gone).await
}

fn put(
    group: &Group<'_>,
    (old, new): (KeyId, KeyId),
    row: &Again,
    gone: &mut Vec<BlobId>,
) -> Result<(), Stop> {
    let (connection, tenant, old, new) = (group.connection, group.tenant.bytes(), old.bytes(), new.bytes());
    match row {
        Again::Plan { project, environment, plan, version, sealed } => connection
            .prepare_cached(
                "UPDATE plan SET key_id = ?2, sealed = ?3 WHERE tenant_id = ?1 AND project_id = ?4 AND environment_id = ?5
                 AND plan_id = ?6 AND plan_version = ?7 AND key_id = ?8",
            )?
            .execute(params![tenant, new, sealed, project, environment, plan, version, old])?,
        Again::Member { principal, sealed } => connection
            .prepare_cached("UPDATE member SET key_id = ?2, name_sealed = ?3 WHERE tenant_id = ?1 AND principal_id = ?4 AND key_id = ?5")?
            .execute(params![tenant, new, sealed, principal, old])?,
        Again::Setting { project, environment, kind, name, version, sealed } => connection
            .prepare_cached(
                "UPDATE setting SET key_id = ?2, sealed = ?3 WHERE tenant_id = ?1 AND project_id = ?4 AND environment_id = ?5
                 AND kind = ?6 AND name = ?7 AND row_version = ?8 AND key_id = ?9",
            )?
            .execute(params![tenant, new, sealed, project, environment, kind, name, version, old])?,
        Again::Payload { n, first, named, sealed } => connection
            .prepare_cached(
                "UPDATE ledger_payload SET sealed = ?3, sealed_under = ?2 WHERE tenant_id = ?1 AND n = ?4 AND first_index = ?5
                 AND key_id = ?6 AND coalesce(sealed_under, key_id) = ?7",
            )?
            .execute(params![tenant, new, sealed, n, first, named, old])?,
        Again::Bundle { old: before, new: after } => {
            gone.push(*before);
            connection
                .prepare_cached("UPDATE blob SET blob_id = ?2, key_id = ?3 WHERE tenant_id = ?1 AND blob_id = ?4")?
                .execute(params![tenant, after.bytes(), new, before.bytes()])?
        }
    };
    Ok(())
}

/// The end of a data key: nothing lies under it.
struct End {
    key: KeyId,
}

/// Whether rows of the smaller tables still lie under a data key.
fn has_rows(connection: &Connection, tenant: [u8; 16], key: KeyId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM plan WHERE tenant_id = ?1 AND key_id = ?2)
                 OR EXISTS (SELECT 1 FROM member WHERE tenant_id = ?1 AND key_id = ?2)
                 OR EXISTS (SELECT 1 FROM setting WHERE tenant_id = ?1 AND key_id = ?2)
                 OR EXISTS (SELECT 1 FROM blob WHERE tenant_id = ?1 AND key_id = ?2)",
        )?
        .query_row(params![tenant, key.bytes()], |row| row.get(0))
}

/// Whether payloads do. It reads all of them, so it is asked outside the lock; no new one can come by now.
fn has_payloads(connection: &Connection, tenant: [u8; 16], key: KeyId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM ledger_payload WHERE tenant_id = ?1 AND coalesce(sealed_under, key_id) = ?2)")?
        .query_row(params![tenant, key.bytes()], |row| row.get(0))
}

impl Change for End {
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        let tenant = group.tenant.bytes();
        if has_rows(group.connection, tenant, self.key)? {
            return Err(Refusal::VersionConflict.into());
        }
        let gone = group
            .connection
            .prepare_cached(
                "DELETE FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND retired_at IS NOT NULL",
            )?
            .execute(params![tenant, self.key.bytes()])?;
        if gone != 1 {
            return Err(Refusal::VersionConflict.into());
        }
        Ok(())
    }
}

async fn end(tenant: &Arc<Tenant>, key: KeyId) -> Result<(), Error> {
    let done = submit(tenant, || {
        Box::new(move |reader: &Reader, lane: &Connection| -> Result<Option<Drafted>, Error> {
            let tenant = reader.tenant.id.bytes();
            if has_rows(lane, tenant, key).sql()? || has_payloads(lane, tenant, key).sql()? {
                return Ok(None);
            }
            let entries = ended(reader, key);
            Ok(Some((Box::new(End { key }), entries)))
        })
    });
    done.await.map_err(Error::of)?;
    tenant.keyring.again()?;
    Ok(())
}

/// `KeyRotationCompleted` and `KeyDestroyed`: everything has moved to the new key and the old one is gone.
pub(crate) fn ended(reader: &Reader, key: KeyId) -> Vec<EntryDraft> {
    [announce::KEY_ROTATION_COMPLETED, "KeyDestroyed"]
        .map(|name| {
            let resource = announce::key(key);
            let kind = (EventType::KeyEvent, name);
            let envelope = change::envelope(&reader.tenant, kind, Action::KeyRotate, resource);
            EntryDraft { envelope, payload: None }
        })
        .into()
}
