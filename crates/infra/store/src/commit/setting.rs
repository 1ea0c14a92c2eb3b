//! A change of a setting: made from the version that its author saw, by rights that still stand. And what follows from a setting: only
//! as long as its version stands.

use super::group::{Group, Stop};
use super::prepare::Sealed;
use super::rights;
use crate::port::error::Refusal;
use crate::port::operation::{Rights, SeenSetting};
use crate::sqlite::column;
use dvt_model::id::{KeyId, TenantId};
use dvt_model::scope::ScopeIds;
use rusqlite::{Connection, OptionalExtension, params};

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
        let setting = (self.kind.as_str(), self.name.as_str());
        has_version(group.connection, group.tenant, &self.place, setting, self.expected)??;
        let (connection, tenant) = (group.connection, group.tenant.bytes());
        let (project, environment) = (self.place.project_id.bytes(), self.place.environment_id.bytes());
        let now = block.recorded_at.ms();
        match self.expected {
            None => connection
                .prepare_cached(
                    "INSERT INTO setting (tenant_id, project_id, environment_id, kind, name, row_version, key_id, sealed, changed_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)",
                )?
                .execute(params![
                    tenant, project, environment, self.kind, self.name, self.key.bytes(), self.sealed, now
                ])?,
            Some(_) => connection
                .prepare_cached(
                    "UPDATE setting SET row_version = row_version + 1, key_id = ?6, sealed = ?7, changed_at = ?8
                     WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND kind = ?4 AND name = ?5",
                )?
                .execute(params![
                    tenant, project, environment, self.kind, self.name, self.key.bytes(), self.sealed, now
                ])?,
        };
        Ok(())
    }
}

/// Whether a setting of this place is still the one that somebody saw.
pub(crate) fn stands(group: &Group<'_>, place: &ScopeIds, seen: &SeenSetting) -> Result<(), Stop> {
    has_version(group.connection, group.tenant, place, (&seen.kind, &seen.name), seen.version)??;
    Ok(())
}

/// Whether a setting of this place has this version; `None`: there is none.
pub(crate) fn has_version(
    connection: &Connection,
    tenant: TenantId,
    place: &ScopeIds,
    (kind, name): (&str, &str),
    version: Option<u64>,
) -> rusqlite::Result<Result<(), Refusal>> {
    let now: Option<i64> = connection
        .prepare_cached(
            "SELECT row_version FROM setting
             WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND kind = ?4 AND name = ?5",
        )?
        .query_row(
            params![tenant.bytes(), place.project_id.bytes(), place.environment_id.bytes(), kind, name],
            |row| row.get(0),
        )
        .optional()?;
    Ok(if now == version.map(column::signed) { Ok(()) } else { Err(Refusal::VersionConflict) })
}
