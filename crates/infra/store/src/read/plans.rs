//! Published plans.

use super::Reader;
use crate::port::error::Error;
use crate::port::operation::PlanRow;
use crate::seal::document::{self, Cell, plan_row};
use crate::sqlite::{Sql, column};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::{KeyId, PlanId, PlanName};
use rusqlite::{Connection, OptionalExtension, params};

/// The id behind a name in the scope's project.
pub(crate) fn id(reader: &Reader, lane: &Connection, name: &PlanName) -> Result<Option<PlanId>, Error> {
    let found: Option<Vec<u8>> = lane
        .query_row(
            "SELECT plan_id FROM plan_name WHERE tenant_id = ?1 AND project_id = ?2 AND name = ?3",
            params![reader.tenant.id.bytes(), reader.scope.project().bytes(), name.as_str()],
            |row| row.get(0),
        )
        .optional()
        .sql()?;
    found.map(|id| column::id(&id, PlanId::from_bytes)).transpose()
}

/// A plan version that the scope reaches, checked against its digest.
pub(crate) fn one(
    reader: &Reader,
    lane: &Connection,
    plan: PlanId,
    version: &str,
) -> Result<Option<PlanRow>, Error> {
    let (project, environment) = reader.reach();
    let row: Option<(Vec<u8>, Vec<u8>, Vec<u8>)> = lane
        .query_row(
            "SELECT digest, key_id, sealed FROM plan WHERE tenant_id = ?1 AND (?2 IS NULL OR project_id = ?2)
             AND (?3 IS NULL OR environment_id = ?3) AND plan_id = ?4 AND plan_version = ?5 LIMIT 1",
            params![reader.tenant.id.bytes(), project, environment, plan.bytes(), version],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .sql()?;
    // Its time was over: digest and row stay, the document is gone.
    let Some((digest, key, sealed)) = row.filter(|(_, _, sealed)| !sealed.is_empty()) else {
        return Ok(None);
    };
    let key = reader.tenant.keyring.seal_key(lane, column::id(&key, KeyId::from_bytes)?)?;
    let Some(key) = key else { return Ok(None) };
    let row = plan_row(plan, version);
    let document = document::open(
        &reader.tenant,
        &key,
        Cell { table: "plan", column: "sealed", row: &row, version: 0 },
        &sealed,
    )?;
    let found = canonical::to_bytes(&document).map(|bytes| Digest::of(&bytes)).map_err(|_| Error::Decrypt)?;
    if found.0 != column::hash(&digest)? {
        return Err(Error::integrity("a plan does not match its digest".to_owned()));
    }
    Ok(Some(PlanRow { plan_id: plan, version: version.to_owned(), document }))
}
