//! Rows of `setting`: small sealed values of a tenant, each change made from a version that is named.

use crate::commit::group::{Group, Stop};
use crate::port::error::{Error, Refusal};
use crate::seal::document::{self, Cell};
use crate::sqlite::{Sql, column};
use crate::tenant::{Ground, Tenant};
use dvt_model::id::{KeyId, TenantId};
use dvt_model::scope::ScopeIds;
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::sync::Arc;

/// What a setting is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How long a class of data is kept.
    Retention,
    /// An erasure that was ordered.
    Erasure,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Erasure => "erasure",
        }
    }
}

/// A stored setting.
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) row_version: u64,
    pub(crate) value: Value,
}

/// The row's name in the AAD.
fn row(kind: &str, name: &str) -> String {
    format!("{kind}|{name}")
}

/// The same for any stored row: those of the kinds above are the tenant's own, every other one lies in a project.
pub(crate) fn place(scope: &ScopeIds, kind: &str, name: &str) -> String {
    match [Kind::Retention, Kind::Erasure].iter().any(|own| own.as_str() == kind) {
        true => row(kind, name),
        false => document::setting_row(scope, kind, name),
    }
}

/// The tenant's own settings of a kind, by name.
pub(crate) fn all(tenant: &Tenant, lane: &Connection, kind: Kind) -> Result<Vec<Stored>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT name, row_version, key_id, sealed FROM setting WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3
             AND kind = ?4 ORDER BY name",
        )
        .sql()?;
    let (project, environment) = (tenant.root.project_id.bytes(), tenant.root.environment_id.bytes());
    let mut rows = statement.query(params![tenant.id.bytes(), project, environment, kind.as_str()]).sql()?;
    let mut found = Vec::new();
    while let Some(read) = rows.next().sql()? {
        let name: String = read.get(0).sql()?;
        let row_version = column::unsigned(read.get(1).sql()?)?;
        let (key, sealed): (Vec<u8>, Vec<u8>) = (read.get(2).sql()?, read.get(3).sql()?);
        let key = tenant.keyring.seal_key(lane, column::id(&key, KeyId::from_bytes)?)?;
        let key = key.ok_or(Error::Decrypt)?;
        let place = row(kind.as_str(), &name);
        let cell = Cell { table: "setting", column: "sealed", row: &place, version: row_version };
        let value = document::open(tenant, &key, cell, &sealed)?;
        found.push(Stored { name, row_version, value });
    }
    Ok(found)
}

/// A setting, sealed and ready to be written.
pub(crate) struct Write {
    ids: ScopeIds,
    kind: Kind,
    name: String,
    row_version: u64,
    key: KeyId,
    sealed: Vec<u8>,
    now: Timestamp,
}

impl Write {
    /// Seals it as version `row_version`: 1 for a new one, else one more than the version that it was made from.
    pub(crate) fn new(
        tenant: &Ground,
        kind: Kind,
        name: &str,
        row_version: u64,
        value: &Value,
    ) -> Result<Self, Error> {
        let place = row(kind.as_str(), name);
        let cell = Cell { table: "setting", column: "sealed", row: &place, version: row_version };
        let key = tenant.keyring.tenant_key()?;
        let sealed = document::seal(tenant, &key, cell, value)?;
        let ids = ScopeIds {
            tenant_id: tenant.id,
            project_id: tenant.root.project_id,
            environment_id: tenant.root.environment_id,
        };
        let now = (tenant.clock)();
        Ok(Self { ids, kind, name: name.to_owned(), row_version, key: key.id(), sealed, now })
    }

    /// Writes it where there is none.
    pub(crate) fn insert_if_absent(&self, group: &Group<'_>) -> Result<(), Stop> {
        self.execute(
            group,
            "INSERT INTO setting (tenant_id, project_id, environment_id, kind, name, row_version, key_id, sealed, changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )
    }

    /// Writes it if the row still has the version before this one.
    pub(crate) fn replace(&self, group: &Group<'_>) -> Result<(), Stop> {
        let from = self.row_version.saturating_sub(1);
        may_replace(group.connection, group.tenant, (self.kind, &self.name), from)??;
        if from == 0 {
            return self.insert_if_absent(group);
        }
        self.execute(
            group,
            "UPDATE setting SET row_version = ?6, key_id = ?7, sealed = ?8, changed_at = ?9 WHERE tenant_id = ?1
             AND project_id = ?2 AND environment_id = ?3 AND kind = ?4 AND name = ?5",
        )
    }

    /// Runs a statement that takes the columns of the row, in their order.
    fn execute(&self, group: &Group<'_>, statement: &'static str) -> Result<(), Stop> {
        group.connection.prepare_cached(statement)?.execute(params![
            group.tenant.bytes(),
            self.ids.project_id.bytes(),
            self.ids.environment_id.bytes(),
            self.kind.as_str(),
            self.name,
            column::signed(self.row_version),
            self.key.bytes(),
            self.sealed,
            self.now.ms()
        ])?;
        Ok(())
    }
}

/// Whether a setting of the tenant still has the version that a change was made from; 0: there is none.
pub(crate) fn may_replace(
    connection: &Connection,
    tenant: TenantId,
    (kind, name): (Kind, &str),
    from: u64,
) -> rusqlite::Result<Result<(), Refusal>> {
    let version: Option<i64> = connection
        .prepare_cached("SELECT row_version FROM setting WHERE tenant_id = ?1 AND kind = ?2 AND name = ?3")?
        .query_row(params![tenant.bytes(), kind.as_str(), name], |row| row.get(0))
        .optional()?;
    let is_so = version.unwrap_or(0) == column::signed(from);
    Ok(if is_so { Ok(()) } else { Err(Refusal::VersionConflict) })
}

/// Takes a setting away.
pub(crate) async fn remove(tenant: &Arc<Tenant>, kind: Kind, name: &str) -> Result<(), Error> {
    let name = name.to_owned();
    let written = tenant.committer.write(0, move |group| {
        group
            .connection
            .prepare_cached("DELETE FROM setting WHERE tenant_id = ?1 AND kind = ?2 AND name = ?3")?
            .execute(params![group.tenant.bytes(), kind.as_str(), name])?;
        Ok(())
    });
    written.await.map_err(Error::of)
}
