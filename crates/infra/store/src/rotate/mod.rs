//! Replacing keys before they are too old or have sealed too much (INV-19), while everything goes on.
//!
//! A new key is durable and announced in one transaction; only then it is opened and used. What lies under an older data key is
//! sealed again ([`reseal`]), what hangs under an older KEK is wrapped again ([`rewrap`]): a few rows at a time, from the rows
//! themselves, so that a crash anywhere costs a second look and nothing else.

pub(crate) mod reseal;
pub(crate) mod rewrap;

use crate::commit::change::{self, Change, Draft, Drafted, submit};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::port::error::{Error, Refusal};
use crate::port::operation::{ActDraft, EntryDraft};
use crate::port::transaction::TenantTx;
use crate::read::Reader;
use crate::seal::rows;
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::Tenant;
use dvt_keys::rotation::InUse;
use dvt_keys::{Purpose, WrappedKey};
use dvt_ledger::announce;
use dvt_model::action::Action;
use dvt_model::entry::EventType;
use dvt_model::id::KeyId;
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// A day.
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The purposes whose keys are replaced.
pub const ROTATED: [Purpose; 5] =
    [Purpose::TenantKek, Purpose::Dek, Purpose::Mac, Purpose::Link, Purpose::Checkpoint];
/// How long nothing that was made with a replaced key can still come in: plain keys are used for 15 minutes at most, and a
/// write has seconds.
pub(crate) const SETTLED_MS: u64 = 20 * 60 * 1_000;

/// How old the key of a purpose is, and how old it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// What it is for.
    pub purpose: Purpose,
    /// Which one.
    pub in_use: InUse,
    /// When it must have been replaced.
    pub until: Timestamp,
    /// Rows reserved under it, of a data key.
    pub rows: u64,
}

/// One replacement.
struct Rotation {
    replaced: Vec<(InUse, WrappedKey)>,
    now: Timestamp,
}

impl Change for Rotation {
    /// If we crash before the commit, the new keys never were; after it, they are in use wherever the rows are read next.
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        let (connection, tenant) = (group.connection, group.tenant.bytes());
        for (old, new) in &self.replaced {
            let newest: Option<Vec<u8>> = connection
                .prepare_cached(
                    "SELECT key_id FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2 ORDER BY epoch DESC LIMIT 1",
                )?
                .query_row(params![tenant, new.purpose.as_str()], |row| row.get(0))
                .optional()?;
            if newest.as_deref() != Some(old.key_id.bytes().as_slice()) {
                // Another process was quicker.
                return Err(Refusal::VersionConflict.into());
            }
            connection
                .prepare_cached(
                    "UPDATE wrapped_key SET retired_at = ?3, row_version = row_version + 1 WHERE tenant_id = ?1 AND key_id = ?2",
                )?
                .execute(params![tenant, old.key_id.bytes(), self.now.ms()])?;
            rows::insert(connection, group.tenant, std::slice::from_ref(new))?;
        }
        Ok(())
    }
}

/// The replacement of these keys, as they are now; `None` where none of them is still the one meant.
fn draft(reader: &Reader, meant: &[(Purpose, Option<KeyId>)]) -> Result<Option<Drafted>, Error> {
    let tenant = &reader.tenant;
    let keys = tenant.keyring.again()?;
    let (mut replaced, mut entries) = (Vec::new(), Vec::new());
    for (purpose, key) in meant {
        let Some(old) = keys.in_use(*purpose) else { continue };
        if key.is_some_and(|key| key != old.key_id) {
            continue;
        }
        let new = tenant.opener.replacement(&keys, tenant.ledger, *purpose)?;
        if *purpose == Purpose::Dek {
            // Its first rows are ours by its insertion; if that is refused, nobody ever opens this key.
            tenant.keyring.grant(new.key_id);
        }
        let mut entry = |event_type, name: &str, resource| {
            let mut envelope = change::envelope(tenant, (event_type, name), Action::KeyRotate, resource);
            envelope.reason_code = Some(purpose.as_str().to_owned());
            entries.push(EntryDraft { envelope, payload: None });
        };
        let resource = match purpose {
            Purpose::Mac => announce::mac_key(new.key_id),
            _ => announce::key(new.key_id),
        };
        entry(EventType::KeyEvent, announce::KEY_ROTATION_STARTED, resource.clone());
        match purpose {
            Purpose::Checkpoint => {
                let public = tenant.opener.public_key(tenant.id, tenant.ledger, &new)?;
                let resource = announce::checkpoint_key(&public);
                entry(EventType::LedgerEvent, announce::CHECKPOINT_KEY_ROTATED, resource);
                entry(EventType::KeyEvent, announce::KEY_ROTATION_COMPLETED, announce::key(new.key_id));
            }
            // In use at once; nothing is left to be done for them.
            Purpose::Mac | Purpose::Link => {
                entry(EventType::KeyEvent, announce::KEY_ROTATION_COMPLETED, resource);
            }
            _ => {}
        }
        replaced.push((old, new));
    }
    if replaced.is_empty() {
        return Ok(None);
    }
    Ok(Some((Box::new(Rotation { replaced, now: (tenant.clock)() }), entries)))
}

/// The oldest key of a purpose that was replaced, and since when.
fn retired(lane: &Connection, tenant: &Tenant, purpose: Purpose) -> Result<Option<(KeyId, i64)>, Error> {
    let row: Option<(Vec<u8>, i64)> = lane
        .cached_row(
            "SELECT key_id, retired_at FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2 AND retired_at IS NOT NULL
             ORDER BY epoch LIMIT 1",
            params![tenant.id.bytes(), purpose.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .sql()?;
    row.map(|(id, at)| Ok((column::id(&id, KeyId::from_bytes)?, at))).transpose()
}

/// Replaces what has to be replaced: a day before it is too old, or with a tenth of its rows left.
// INVARIANT(INV-19): no key is used beyond its time; where it cannot be replaced in time, nothing more is written.
pub(crate) async fn if_due(tenant: &Arc<Tenant>) -> Result<(), Refusal> {
    let keys = tenant.keyring.keys().map_err(Refusal::from)?;
    let now = (tenant.clock)();
    let (mut due, mut overdue) = (Vec::new(), false);
    for purpose in ROTATED {
        let (Some(in_use), Some(days)) = (keys.in_use(purpose), purpose.longest_use_days()) else { continue };
        let age = now.ms_since(in_use.since);
        let is_full = purpose == Purpose::Dek && tenant.keyring.is_nearly_used_up();
        if age >= (days - 1) * DAY_MS || is_full {
            due.push((purpose, Some(in_use.key_id)));
        }
        overdue |= age > days * DAY_MS;
    }
    if due.is_empty() {
        return Ok(());
    }
    match replace(tenant, due).await {
        Err(refusal) if overdue => Err(refusal),
        _ => Ok(()),
    }
}

async fn replace(tenant: &Arc<Tenant>, meant: Vec<(Purpose, Option<KeyId>)>) -> Result<(), Refusal> {
    submit(tenant, || {
        let meant = meant.clone();
        Box::new(move |reader: &Reader, _: &Connection| draft(reader, &meant))
    })
    .await?;
    tenant.keyring.again().map_err(Refusal::from)?;
    Ok(())
}

impl TenantTx {
    /// Stages the replacement of these keys by new ones; the caller's decision stands in `act`.
    pub fn rotate_keys(&mut self, act: ActDraft, purposes: &[Purpose]) {
        let meant: Vec<_> = purposes.iter().map(|purpose| (*purpose, None)).collect();
        let change: Draft = Box::new(move |reader, _| draft(reader, &meant));
        self.stage(act, change);
    }

    /// Which keys are in use, since when and until when.
    pub async fn key_ages(&self) -> Result<Vec<Age>, Error> {
        self.read(|reader, lane| {
            let keys = reader.tenant.keyring.again()?;
            let mut ages = Vec::new();
            for purpose in ROTATED {
                let Some((in_use, days)) = keys.in_use(purpose).zip(purpose.longest_use_days()) else {
                    continue;
                };
                let rows: i64 = lane
                    .cached_row(
                        "SELECT rows_sealed FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2",
                        params![reader.tenant.id.bytes(), in_use.key_id.bytes()],
                        |row| row.get(0),
                    )
                    .sql()?;
                let until = in_use.since.plus_ms(days * DAY_MS);
                ages.push(Age { purpose, in_use, until, rows: column::unsigned(rows)? });
            }
            Ok(ages)
        })
        .await
    }
}
