//! Published plans.

use super::Reader;
use crate::port::error::Error;
use crate::port::operation::{PlanFilter, PlanPage, PlanRow, PlanVersion};
use crate::seal::cursor;
use crate::seal::document::{self, Cell, plan_row};
use crate::sqlite::{Cached, Sql, column};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::{EnvironmentId, KeyId, PlanId, PlanName};
use dvt_model::run::PlanRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The most rows of a page.
const MOST: u32 = 500;

/// The columns that [`read`] expects, in its order.
const COLUMNS: &str = "plan.plan_id, plan.plan_version, plan.digest, name, plan.environment_id, published_at, length(sealed) > 0";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<PlanVersion, Error>> {
    let ids: [Vec<u8>; 3] = [row.get(0)?, row.get(2)?, row.get(4)?];
    let (plan_version, name): (String, String) = (row.get(1)?, row.get(3)?);
    let (published, is_kept): (i64, bool) = (row.get(5)?, row.get(6)?);
    let build = |[plan, digest, environment]: [Vec<u8>; 3]| {
        let plan_id = column::id(&plan, PlanId::from_bytes)?;
        Ok(PlanVersion {
            plan: PlanRef { plan_id, plan_version, digest: Digest(column::hash(&digest)?) },
            name,
            environment_id: column::id(&environment, EnvironmentId::from_bytes)?,
            published_at: column::time(published),
            is_kept,
        })
    };
    Ok(build(ids))
}

/// The id behind a name in the scope's project.
pub(crate) fn id(reader: &Reader, lane: &Connection, name: &PlanName) -> Result<Option<PlanId>, Error> {
    let found: Option<Vec<u8>> = lane
        .cached_row(
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
        .cached_row(
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

/// One version, whether its document is still kept or not.
pub(crate) fn version(
    reader: &Reader,
    lane: &Connection,
    plan: PlanId,
    version: &str,
) -> Result<Option<PlanVersion>, Error> {
    let (project, environment) = reader.reach();
    lane.cached_row(
        &format!(
            "SELECT {COLUMNS} FROM plan JOIN plan_name USING (tenant_id, project_id, plan_id)
             WHERE plan.tenant_id = ?1 AND (?2 IS NULL OR plan.project_id = ?2)
             AND (?3 IS NULL OR plan.environment_id = ?3) AND plan.plan_id = ?4 AND plan.plan_version = ?5 LIMIT 1"
        ),
        params![reader.tenant.id.bytes(), project, environment, plan.bytes(), version],
        read,
    )
    .optional()
    .sql()?
    .transpose()
}

/// A page of versions, newest first.
pub(crate) fn list(
    reader: &Reader,
    lane: &Connection,
    filter: &PlanFilter,
    (limit, from): (u32, Option<&str>),
) -> Result<PlanPage, Error> {
    let limit = limit.clamp(1, MOST);
    let name = filter.name.as_ref().map_or("", PlanName::as_str);
    let binding = format!("plans|{name}|{}", filter.development);
    let before = match from {
        Some(text) => Some(place(&cursor::open(&reader.tenant, lane, (&reader.scope, &binding), text)?)?),
        None => None,
    };
    let (published, plan, within, version) =
        before.unwrap_or((i64::MAX, [0xff; 16], [0xff; 16], String::new()));
    let (project, environment) = reader.reach();
    let mut statement = lane
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM plan JOIN plan_name USING (tenant_id, project_id, plan_id)
             WHERE plan.tenant_id = ?1 AND (?2 IS NULL OR plan.project_id = ?2)
             AND (?3 IS NULL OR plan.environment_id = ?3) AND (?4 = '' OR name = ?4)
             AND (?5 OR plan.plan_version NOT LIKE '0.0.0-dev.d%')
             AND (published_at, plan.plan_id, plan.environment_id, plan.plan_version) < (?6, ?7, ?8, ?9)
             ORDER BY published_at DESC, plan.plan_id DESC, plan.environment_id DESC, plan.plan_version DESC LIMIT ?10"
        ))
        .sql()?;
    let found = statement
        .query_map(
            params![
                reader.tenant.id.bytes(),
                project,
                environment,
                name,
                filter.development,
                published,
                plan,
                within,
                version,
                limit + 1
            ],
            read,
        )
        .sql()?;
    let mut rows = found.map(|row| row.sql()?).collect::<Result<Vec<_>, Error>>()?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = match rows.last().filter(|_| more) {
        Some(last) => {
            let mut place = last.published_at.ms().to_be_bytes().to_vec();
            place.extend_from_slice(&last.plan.plan_id.bytes());
            place.extend_from_slice(&last.environment_id.bytes());
            place.extend_from_slice(last.plan.plan_version.as_bytes());
            Some(cursor::seal(&reader.tenant, &reader.scope, &binding, &place)?)
        }
        None => None,
    };
    Ok(PlanPage { rows, next })
}

type Place = (i64, [u8; 16], [u8; 16], String);

fn place(bytes: &[u8]) -> Result<Place, Error> {
    let (published, rest) = bytes.split_first_chunk::<8>().ok_or_else(Error::cursor)?;
    let (plan, rest) = rest.split_first_chunk::<16>().ok_or_else(Error::cursor)?;
    let (environment, version) = rest.split_first_chunk::<16>().ok_or_else(Error::cursor)?;
    let version = std::str::from_utf8(version).map_err(|_| Error::cursor())?;
    Ok((i64::from_be_bytes(*published), *plan, *environment, version.to_owned()))
}
