//! Wrapping again what hangs under a KEK that was replaced, and the end of that KEK.
//!
//! The old KEK ends only after a whole pass that began when no process could use it any more found nothing under it.

use super::reseal::ended;
use super::{SETTLED_MS, retired};
use crate::commit::change::{Change, Drafted, submit};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::port::error::{Error, Refusal};
use crate::read::Reader;
use crate::seal::keyring::fault;
use crate::seal::rows::{COLUMNS, wrapped};
use crate::sqlite::{Sql, column};
use crate::tenant::Tenant;
use dvt_keys::{Purpose, WrappedKey};
use dvt_model::id::KeyId;
use rusqlite::{Connection, params};
use std::sync::Arc;

/// Keys of one batch.
const BATCH: usize = 200;

/// Wraps again what hangs under the replaced KEK and ends it once nothing can come under it. Gives how many keys moved.
pub(crate) async fn work_off(tenant: &Arc<Tenant>) -> Result<u64, Error> {
    let here = Arc::clone(tenant);
    let Some((old, at)) = tenant.lanes.run(move |lane| retired(lane, &here, Purpose::TenantKek)).await?
    else {
        return Ok(0);
    };
    // Whoever replaced it, the key that took over is known from here on.
    tenant.keyring.again()?;
    let began = (tenant.clock)();
    let (mut after, mut count) = (Vec::new(), 0);
    loop {
        let (here, from) = (Arc::clone(tenant), after.clone());
        let (moved, last) = tenant.lanes.run(move |lane| look(&here, lane, &from)).await?;
        count += moved.len() as u64;
        if !moved.is_empty() {
            write(tenant, moved).await?;
        }
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    if count == 0 && began >= column::time(at).plus_ms(SETTLED_MS) {
        let done = submit(tenant, || {
            Box::new(move |reader: &Reader, _: &Connection| -> Result<Option<Drafted>, Error> {
                Ok(Some((Box::new(End { key: old }), ended(reader, old))))
            })
        });
        done.await.map_err(Error::of)?;
        tenant.keyring.again()?;
    }
    Ok(count)
}

/// Keys behind `after` that hang under an older KEK, wrapped again, and where the next look begins.
fn look(
    tenant: &Tenant,
    lane: &Connection,
    after: &[u8],
) -> Result<(Vec<WrappedKey>, Option<Vec<u8>>), Error> {
    let keys = tenant.keyring.keys()?;
    let mut statement = lane
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND key_id > ?2 ORDER BY key_id LIMIT ?3"
        ))
        .sql()?;
    let rows = statement.query_map(params![tenant.id.bytes(), after, BATCH as i64], wrapped).sql()?;
    let rows = rows.map(|row| row.sql()?).collect::<Result<Vec<_>, Error>>()?;
    let last = rows.last().filter(|_| rows.len() == BATCH).map(|row| row.key_id.bytes().to_vec());
    let mut moved = Vec::new();
    for row in &rows {
        moved.extend(keys.wrapped_again(row).map_err(|error| fault(&error))?);
    }
    Ok((moved, last))
}

/// If we crash before the commit, the keys hang where they hung; both KEKs are there until the end.
async fn write(tenant: &Arc<Tenant>, moved: Vec<WrappedKey>) -> Result<(), Error> {
    let written = tenant.committer.write(moved.len() * 128, move |group| {
        for key in &moved {
            // One that was erased meanwhile stays gone.
            group
                .connection
                .prepare_cached("UPDATE wrapped_key SET wrapped = ?3, row_version = row_version + 1 WHERE tenant_id = ?1 AND key_id = ?2")?
                .execute(params![group.tenant.bytes(), key.key_id.bytes(), key.wrapped])?;
        }
        Ok(())
    });
    written.await.map_err(Error::of)
}

/// The end of a KEK.
struct End {
    key: KeyId,
}

impl Change for End {
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        let gone = group
            .connection
            .prepare_cached("DELETE FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND purpose = 'tenant-kek' AND retired_at IS NOT NULL")?
            .execute(params![group.tenant.bytes(), self.key.bytes()])?;
        if gone == 1 { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
    }
}
