//! Rows of runs.

use super::Reader;
use crate::port::error::Error;
use crate::port::operation::{RunFilter, RunPage, RunRow};
use crate::seal::cursor;
use crate::sqlite::{Cached, Sql, column};
use dvt_model::digest::Digest;
use dvt_model::id::{EnvironmentId, PlanId, PlanName, ProjectId, RunId, TenantId};
use dvt_model::run::{PlanRef, RunMetadata, RunStatus};
use dvt_model::scope::{Cover, ScopeIds, covers};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The most rows of a page.
const MOST: u32 = 500;

/// The sequence number of a run's last event, for a statement over `run`. The row has the one of its last status: an event that
/// changes no status leaves the row alone, so that its commit has a page less to write.
macro_rules! last_run_seq {
    () => {
        "coalesce((SELECT last.last_run_seq FROM ledger_block AS last WHERE last.tenant_id = run.tenant_id
            AND last.run_id = run.run_id AND last.first_run_seq >= 1 ORDER BY last.first_run_seq DESC LIMIT 1), run.last_run_seq)"
    };
}
pub(crate) use last_run_seq;

/// The columns that [`read`] expects, in its order. When an event came last is of the same block as its number.
pub(crate) const COLUMNS: &str = concat!(
    "run_id, project_id, environment_id, plan_id, plan_version, plan_digest, plan_name, provider, status, ",
    last_run_seq!(),
    ", queued_at,
    max(run.updated_at, coalesce((SELECT last.recorded_at FROM ledger_block AS last WHERE last.tenant_id = run.tenant_id
        AND last.run_id = run.run_id AND last.first_run_seq >= 1 ORDER BY last.first_run_seq DESC LIMIT 1), 0)), detached"
);

struct Raw {
    ids: [Vec<u8>; 4],
    version: String,
    digest: Vec<u8>,
    words: [String; 3],
    numbers: [i64; 4],
}

pub(crate) fn read(tenant: TenantId, row: &Row<'_>) -> rusqlite::Result<Result<RunRow, Error>> {
    let raw = Raw {
        ids: [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?],
        version: row.get(4)?,
        digest: row.get(5)?,
        words: [row.get(6)?, row.get(7)?, row.get(8)?],
        numbers: [row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?],
    };
    Ok(raw.row(tenant))
}

impl Raw {
    fn row(self, tenant_id: TenantId) -> Result<RunRow, Error> {
        let [run, project, environment, plan] = self.ids;
        let [plan_name, provider, status] = self.words;
        let [last, queued, updated, detached] = self.numbers;
        let scope = ScopeIds {
            tenant_id,
            project_id: column::id(&project, ProjectId::from_bytes)?,
            environment_id: column::id(&environment, EnvironmentId::from_bytes)?,
        };
        let plan = PlanRef {
            plan_id: column::id(&plan, PlanId::from_bytes)?,
            plan_version: self.version,
            digest: Digest(column::hash(&self.digest)?),
        };
        let run_id = column::id(&run, RunId::from_bytes)?;
        Ok(RunRow {
            metadata: RunMetadata { scope, run_id, plan, plan_name, provider },
            status: column::word(RunStatus::parse(&status), "a status")?,
            last_run_seq: column::unsigned(last)?,
            queued_at: column::time(queued),
            updated_at: column::time(updated),
            detached: detached == 1,
        })
    }
}

/// A run that the scope covers; hidden and absent are one.
// INVARIANT(INV-01): the row's scope is asked of `covers` before anything of it is given.
pub(crate) fn one(reader: &Reader, lane: &Connection, run: RunId) -> Result<Option<RunRow>, Error> {
    let tenant = reader.tenant.id;
    let row = lane
        .cached_row(
            &format!("SELECT {COLUMNS} FROM run WHERE tenant_id = ?1 AND run_id = ?2"),
            params![tenant.bytes(), run.bytes()],
            |row| read(tenant, row),
        )
        .optional()
        .sql()?
        .transpose()?;
    Ok(row.filter(|row| covers(&reader.scope, &reader.tenant.root, &row.metadata.scope) == Cover::Covered))
}

/// The open runs of a plan in a concurrency group, oldest first.
pub(crate) fn of_group(
    reader: &Reader,
    lane: &Connection,
    (plan, scope): (PlanId, ScopeIds),
    name: &str,
) -> Result<Vec<RunRow>, Error> {
    let tenant = reader.tenant.id;
    let mut statement = lane
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run WHERE tenant_id = ?1 AND project_id = ?2 AND environment_id = ?3 AND plan_id = ?4
             AND concurrency_group = ?5 AND open = 1 ORDER BY queued_at, run_id"
        ))
        .sql()?;
    let of =
        params![tenant.bytes(), scope.project_id.bytes(), scope.environment_id.bytes(), plan.bytes(), name];
    let rows = statement.query_map(of, |row| read(tenant, row)).sql()?;
    let rows = rows.map(|row| row.sql()?).collect::<Result<Vec<_>, Error>>()?;
    let root = reader.tenant.root;
    Ok(rows
        .into_iter()
        .filter(|row| covers(&reader.scope, &root, &row.metadata.scope) == Cover::Covered)
        .collect())
}

/// The open runs of its concurrency group that were queued before a run, oldest first; none where it is in no group.
pub(crate) fn before_in_group(reader: &Reader, lane: &Connection, run: RunId) -> Result<Vec<RunRow>, Error> {
    let Some(row) = one(reader, lane, run)? else { return Ok(Vec::new()) };
    let group: Option<String> = lane
        .cached_row(
            "SELECT concurrency_group FROM run WHERE tenant_id = ?1 AND run_id = ?2",
            params![reader.tenant.id.bytes(), run.bytes()],
            |row| row.get(0),
        )
        .optional()
        .sql()?
        .flatten();
    let Some(group) = group else { return Ok(Vec::new()) };
    let all = of_group(reader, lane, (row.metadata.plan.plan_id, row.metadata.scope), &group)?;
    let own = (row.queued_at, run);
    Ok(all.into_iter().filter(|other| (other.queued_at, other.metadata.run_id) < own).collect())
}

/// A page, newest first.
pub(crate) fn list(
    reader: &Reader,
    lane: &Connection,
    filter: &RunFilter,
    (limit, from): (u32, Option<&str>),
) -> Result<RunPage, Error> {
    let limit = limit.clamp(1, MOST);
    let binding = filter.binding();
    let before = match from {
        Some(text) => Some(place(&cursor::open(&reader.tenant, lane, (&reader.scope, &binding), text)?)?),
        None => None,
    };
    let first = Place {
        queued: i64::MAX,
        run: [0xff; 16],
        since: filter.since.map_or(i64::MIN, |at| at.ms()),
        until: filter.until.map_or(i64::MAX, |at| at.ms()),
    };
    let Place { queued, run, since, until } = before.unwrap_or(first);
    let (project, environment) = reader.reach();
    let tenant = reader.tenant.id;
    let mut statement = lane
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM run WHERE tenant_id = ?1 AND (?2 IS NULL OR project_id = ?2)
             AND (?3 IS NULL OR environment_id = ?3) AND (queued_at, run_id) < (?4, ?5)
             AND (?7 = '' OR instr(?7, ',' || status || ',') > 0) AND (?8 IS NULL OR plan_name = ?8)
             AND queued_at >= ?9 AND queued_at < ?10
             ORDER BY queued_at DESC, run_id DESC LIMIT ?6"
        ))
        .sql()?;
    let (words, plan) = (filter.words(), filter.plan.as_ref().map(PlanName::as_str));
    let found = statement
        .query_map(
            params![tenant.bytes(), project, environment, queued, run, limit + 1, words, plan, since, until],
            |row| read(tenant, row),
        )
        .sql()?;
    let mut rows = found.map(|row| row.sql()?).collect::<Result<Vec<_>, Error>>()?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = match rows.last().filter(|_| more) {
        Some(last) => {
            let mut place = last.queued_at.ms().to_be_bytes().to_vec();
            place.extend_from_slice(&last.metadata.run_id.bytes());
            place.extend_from_slice(&since.to_be_bytes());
            place.extend_from_slice(&until.to_be_bytes());
            Some(cursor::seal(&reader.tenant, &reader.scope, &binding, &place)?)
        }
        None => None,
    };
    Ok(RunPage { rows, next })
}

/// Where a page begins, and the time that it looks through.
struct Place {
    queued: i64,
    run: [u8; 16],
    since: i64,
    until: i64,
}

fn place(bytes: &[u8]) -> Result<Place, Error> {
    let number = |bytes: &[u8]| bytes.try_into().map(i64::from_be_bytes).map_err(|_| Error::cursor());
    let (queued, rest) = bytes.split_first_chunk::<8>().ok_or_else(Error::cursor)?;
    let (run, rest) = rest.split_first_chunk::<16>().ok_or_else(Error::cursor)?;
    let (since, until) = rest.split_first_chunk::<8>().ok_or_else(Error::cursor)?;
    Ok(Place { queued: i64::from_be_bytes(*queued), run: *run, since: number(since)?, until: number(until)? })
}

/// Ids that begin with a prefix of the text form, at most 10, smallest first.
pub(crate) fn by_prefix(reader: &Reader, lane: &Connection, prefix: &str) -> Result<Vec<RunId>, Error> {
    let Some((low, high)) = range(prefix) else { return Ok(Vec::new()) };
    let (project, environment) = reader.reach();
    let mut statement = lane
        .prepare_cached(
            "SELECT run_id FROM run WHERE tenant_id = ?1 AND (?2 IS NULL OR project_id = ?2)
             AND (?3 IS NULL OR environment_id = ?3) AND run_id BETWEEN ?4 AND ?5 ORDER BY run_id LIMIT 10",
        )
        .sql()?;
    let rows = statement
        .query_map(params![reader.tenant.id.bytes(), project, environment, low, high], |row| {
            row.get::<_, Vec<u8>>(0)
        })
        .sql()?;
    rows.map(|row| column::id(&row.sql()?, RunId::from_bytes)).collect()
}

/// The smallest and largest id that begin so; `None` when it is no prefix of six digits or more.
fn range(prefix: &str) -> Option<([u8; 16], [u8; 16])> {
    let text = prefix.strip_prefix(RunId::PREFIX)?;
    let well_placed = text.len() <= 36
        && text.char_indices().all(|(at, letter)| match at {
            8 | 13 | 18 | 23 => letter == '-',
            _ => matches!(letter, '0'..='9' | 'a'..='f'),
        });
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if !well_placed || digits.len() < 6 {
        return None;
    }
    let fill = |with: char| -> Option<[u8; 16]> {
        let full: String = digits.chars().chain(std::iter::repeat(with)).take(32).collect();
        dvt_model::digest::unhex(&full)?.try_into().ok()
    };
    Some((fill('0')?, fill('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_need_six_digits_in_their_places() {
        let (low, high) = range("run_0707a0").unwrap();
        assert_eq!((low[..4].to_vec(), high[..4].to_vec()), (vec![7, 7, 0xa0, 0], vec![7, 7, 0xa0, 0xff]));
        assert!(range("run_07070707-0707").is_some());
        for wrong in
            ["run_0707", "0707070707", "run_0707070-7", "run_0707070707", "run_07%707", "plan_070707"]
        {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
