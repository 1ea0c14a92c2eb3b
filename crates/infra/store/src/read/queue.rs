//! Runs that wait, oldest first.

use super::Reader;
use crate::port::error::Error;
use crate::port::operation::{QueueRow, QueueState};
use crate::sqlite::{Sql, column};
use dvt_model::id::RunId;
use rusqlite::{Connection, params};

/// The most rows of one call.
const MOST: u32 = 500;

/// Places of this scope that are neither started nor failed.
pub(crate) fn waiting(reader: &Reader, lane: &Connection, limit: u32) -> Result<Vec<QueueRow>, Error> {
    let (project, environment) = reader.reach();
    let mut statement = lane
        .prepare_cached(
            "SELECT run_id, state, lease_until, queued_at, row_version FROM queue
             WHERE tenant_id = ?1 AND state IN ('PENDING', 'LOCKED') AND (?2 IS NULL OR project_id = ?2)
             AND (?3 IS NULL OR environment_id = ?3) ORDER BY queued_at, run_id LIMIT ?4",
        )
        .sql()?;
    let rows = statement
        .query_map(params![reader.tenant.id.bytes(), project, environment, limit.clamp(1, MOST)], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<i64>>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .sql()?;
    rows.map(|row| {
        let (run, state, until, queued, version) = row.sql()?;
        Ok(QueueRow {
            run_id: column::id(&run, RunId::from_bytes)?,
            state: column::word(QueueState::parse(&state, until.map(column::time)), "a state of the queue")?,
            queued_at: column::time(queued),
            version: column::unsigned(version)?,
        })
    })
    .collect()
}
