//! Members and the roles bound to them where the scope acts.

use super::Reader;
use crate::port::error::Error;
use crate::port::operation::{KnownMember, Member};
use crate::seal::document::{self, Cell};
use crate::sqlite::{Cached, Sql, column};
use dvt_model::action::Role;
use dvt_model::id::{KeyId, PrincipalId};
use rusqlite::{Connection, OptionalExtension, params};

/// The member who is this OS user, with the roles that reach the scope.
pub(crate) fn by_os_uid(reader: &Reader, lane: &Connection, uid: u32) -> Result<Option<KnownMember>, Error> {
    let tenant = &reader.tenant;
    // The epoch is read before the roles: if these end in between, what they are used for is refused.
    let row = lane
        .cached_row(
            "SELECT principal_id, key_id, name_sealed, epoch FROM member WHERE tenant_id = ?1 AND os_uid = ?2",
            params![tenant.id.bytes(), uid],
            |row| {
                Ok((
                    row.get::<_, Vec<u8>>(0)?,
                    row.get::<_, Vec<u8>>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                    row.get::<_, i64>(3)?,
                ))
            },
        )
        .optional()
        .sql()?;
    let Some((principal, key, sealed, epoch)) = row else { return Ok(None) };
    let principal_id = column::id(&principal, PrincipalId::from_bytes)?;
    let key = tenant.keyring.seal_key(lane, column::id(&key, KeyId::from_bytes)?)?;
    let row = principal_id.key();
    let cell = Cell { table: "member", column: "name_sealed", row: &row, version: 0 };
    let name = match key {
        Some(key) => document::open(tenant, &key, cell, &sealed)?.as_str().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    // A binding at the root project or environment reaches everywhere below it (contract 8.2).
    let mut statement = lane
        .prepare_cached(
            "SELECT DISTINCT role FROM binding WHERE tenant_id = ?1 AND principal_id = ?2 AND project_id IN (?3, ?4)
             AND environment_id IN (?5, ?6) ORDER BY role",
        )
        .sql()?;
    let roles = statement
        .query_map(
            params![
                tenant.id.bytes(),
                principal_id.bytes(),
                tenant.root.project_id.bytes(),
                reader.scope.project().bytes(),
                tenant.root.environment_id.bytes(),
                reader.scope.environment().bytes()
            ],
            |row| row.get::<_, String>(0),
        )
        .sql()?
        .map(|role| column::word(Role::parse(&role.sql()?), "a role"))
        .collect::<Result<Vec<_>, _>>()?;
    let member = Member { principal_id, name, os_uid: uid, roles };
    Ok(Some(KnownMember { member, epoch: column::unsigned(epoch)? }))
}
