//! A change of a setting: made from the version that its author saw, by rights that still stand. And what follows from a setting: only
//! as long as its version stands.

use super::group::{Group, Stop};
use super::prepare::Sealed;
use super::rights;
use crate::port::error::Refusal;
use crate::port::operation::{Rights, SeenSetting};
use crate::sqlite::column;
use dvt_model::id::KeyId;
use dvt_model::scope::ScopeIds;
use rusqlite::{OptionalExtension, params};

/// A change, sealed.
pub(crate) struct PutSetting {
    pub(crate) place: ScopeIds,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The version that it was made from; `None`: there is none yet.
    pub(crate) expected: Option<u64>,
    pub(crate) key: KeyId,
    pub(crate) sealed: Vec<u8>,
    pub(crate) rights: Rights,
}

impl PutSetting {
    /// The version that it makes.
    pub(crate) fn version(expected: Option<u64>) -> u64 {
        expected.unwrap_or(0).saturating_add(1)
    }

    pub(crate) fn judge(&self, group: &Group<'_>, block: &Sealed) -> Result<(), Stop> {
        rights::judge(group, self.rights)?;
        let (connection, tenant) = (group.connection, group.tenant.bytes());
        let (project, environment) = (self.place.project_id.bytes(), self.place.environment_id.bytes());
        let now = block.recorded_at.ms();
        let changed = match self.expected {
            None => connection
                .prepare_cached(
                    "INSERT INTO setting (tenant_id, project_id, environment_id, kind, name, row_version, key_id, sealed, changed_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)
                     ON CONFLICT (tenant_id, project_id, environment_id, kind, name) DO NOTHING",
                )?
                .execute(params![
                    tenant, project, environment, self.kind, self.name, self.key.bytes(), self.sealed, now
                ])?,
            Some(expected) => connection
                .prepare_cached(
                    "UPDATE setting SET row_version = row_version + 1, key_id = ?6, sealed = ?7, changed_at = ?8
                     WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND kind = ?4 AND name = ?5
                     AND row_version = ?9",
                )?
                .execute(params![
                    tenant,
                    project,
                    environment,
                    self.kind,
                    self.name,
                    self.key.bytes(),
                    self.sealed,
                    now,
                    column::signed(expected)
                ])?,
        };
        if changed == 1 { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
    }
}

/// Whether a setting of this place is still the one that somebody saw.
pub(crate) fn stands(group: &Group<'_>, place: &ScopeIds, seen: &SeenSetting) -> Result<(), Stop> {
    let version: Option<i64> = group
        .connection
        .prepare_cached(
            "SELECT row_version FROM setting
             WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND kind = ?4 AND name = ?5",
        )?
        .query_row(
            params![
                group.tenant.bytes(),
                place.project_id.bytes(),
                place.environment_id.bytes(),
                seen.kind,
                seen.name
            ],
            |row| row.get(0),
        )
        .optional()?;
    let version = version.map(column::unsigned).transpose()?;
    if version == seen.version { Ok(()) } else { Err(Refusal::VersionConflict.into()) }
}
