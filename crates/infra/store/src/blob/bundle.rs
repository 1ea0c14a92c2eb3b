//! Packed `files`: content-addressed by the digest of their bytes, sealed under the tenant's data key.

use super::{get, put};
use crate::commit::group::Stop;
use crate::port::error::Error;
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::Tenant;
use dvt_model::digest::Digest;
use dvt_model::id::{BlobId, KeyId};
use dvt_model::scope::TenantScope;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// The largest bundle (PLAN_LANGUAGE: `files` are packed, at most 32 MiB; some room for the packing).
const MAX_BUNDLE: usize = 34 * 1024 * 1024;

/// The blob of a bundle in this very scope.
fn find(
    connection: &Connection,
    scope: &TenantScope,
    digest: Digest,
) -> Result<Option<(BlobId, KeyId, u64)>, Error> {
    let row: Option<(Vec<u8>, Vec<u8>, i64)> = connection
        .cached_row(
            "SELECT blob_id, key_id, size FROM blob WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND digest = ?4
             AND kind = 'bundle'",
            params![scope.tenant().bytes(), scope.project().bytes(), scope.environment().bytes(), digest.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .sql()?;
    row.map(|(blob, key, size)| {
        Ok((
            column::id(&blob, BlobId::from_bytes)?,
            column::id(&key, KeyId::from_bytes)?,
            column::unsigned(size)?,
        ))
    })
    .transpose()
}

/// Keeps a bundle; repeating it changes nothing.
pub(crate) async fn keep(
    tenant: &Arc<Tenant>,
    scope: TenantScope,
    digest: Digest,
    bytes: Vec<u8>,
) -> Result<(), Error> {
    if Digest::of(&bytes) != digest || bytes.len() > MAX_BUNDLE {
        return Err(Error::Contract(
            "a bundle is kept under the digest of its bytes, at most 34 MiB".to_owned(),
        ));
    }
    let size = bytes.len() as u64;
    let here = Arc::clone(tenant);
    let put = tenant.lanes.run(move |lane| match find(lane, &scope, digest)? {
        Some(_) => Ok(None),
        None => {
            let key = here.keyring.tenant_key()?;
            put(&here, &key, &bytes).map(|blob| Some((blob, key.id())))
        }
    });
    let Some((blob, key)) = put.await? else { return Ok(()) };
    let now = (tenant.clock)();
    let written = tenant.committer.write(0, move |group| -> Result<(), Stop> {
        group.connection.execute(
            "INSERT INTO blob (tenant_id, blob_id, kind, project_id, environment_id, class, key_id, size, digest, created_at)
             VALUES (?1, ?2, 'bundle', ?3, ?4, 'standard', ?5, ?6, ?7, ?8)
             ON CONFLICT (tenant_id, project_id, environment_id, digest) WHERE kind = 'bundle' DO NOTHING",
            params![
                group.tenant.bytes(),
                blob.bytes(),
                scope.project().bytes(),
                scope.environment().bytes(),
                key.bytes(),
                column::signed(size),
                digest.0,
                now.ms()
            ],
        )?;
        Ok(())
    });
    written.await.map_err(Error::of)
}

/// A bundle of this scope.
pub(crate) fn read(
    tenant: &Tenant,
    lane: &Connection,
    scope: &TenantScope,
    digest: Digest,
) -> Result<Option<Vec<u8>>, Error> {
    let Some((blob, key, size)) = find(lane, scope, digest)? else { return Ok(None) };
    let Some(key) = tenant.keyring.seal_key(lane, key)? else { return Ok(None) };
    let Some(bytes) = get(tenant, &key, blob, size)? else { return Ok(None) };
    if Digest::of(&bytes) != digest {
        return Err(Error::integrity("a bundle does not match its digest".to_owned()));
    }
    Ok(Some(bytes))
}
