//! The queue of runs that wait (contract 5.7): a place is made with its run and moves by conditional updates alone.

use super::group::{Group, Stop};
use super::prepare::Sealed;
use crate::port::error::Refusal;
use crate::port::operation::{MoveInQueue, QueueState, Queueing};
use crate::sqlite::column;
use dvt_model::run::RunMetadata;
use rusqlite::params;

/// Makes the place of a run; before it, those that wait are counted. After the run's row, which it refers to.
pub(crate) fn enter(
    group: &Group<'_>,
    metadata: &RunMetadata,
    queueing: &Queueing,
    block: &Sealed,
) -> Result<(), Stop> {
    let (connection, tenant) = (group.connection, group.tenant.bytes());
    let waiting: i64 = connection
        .prepare_cached("SELECT count(*) FROM queue WHERE tenant_id = ?1 AND state IN ('PENDING', 'LOCKED')")?
        .query_row([tenant], |row| row.get(0))?;
    if column::unsigned(waiting)? >= queueing.most_waiting {
        return Err(Refusal::Quota("waiting runs".to_owned()).into());
    }
    connection
        .prepare_cached(
            "INSERT INTO queue (tenant_id, project_id, environment_id, plan_id, plan_version, request_id, state, run_id,
                lease_until, queued_at, row_version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'PENDING', ?7, NULL, ?8, 1)",
        )?
        .execute(params![
            tenant,
            metadata.scope.project_id.bytes(),
            metadata.scope.environment_id.bytes(),
            metadata.plan.plan_id.bytes(),
            metadata.plan.plan_version,
            queueing.request_id,
            metadata.run_id.bytes(),
            block.recorded_at.ms()
        ])?;
    Ok(())
}

/// Moves a place: by the engine whose epoch stands, from the version that it saw.
pub(crate) fn advance(group: &Group<'_>, step: &MoveInQueue) -> Result<u64, Stop> {
    if step.engine_epoch != group.head.engine_epoch {
        return Err(Refusal::LeaseLost.into());
    }
    let until = match step.to {
        QueueState::Locked { until } => Some(until.ms()),
        QueueState::Pending | QueueState::Started | QueueState::Failed => None,
    };
    let moved = group
        .connection
        .prepare_cached(
            "UPDATE queue SET state = ?3, lease_until = ?4, row_version = row_version + 1
             WHERE tenant_id = ?1 AND run_id = ?2 AND row_version = ?5 AND state IN ('PENDING', 'LOCKED')",
        )?
        .execute(params![
            group.tenant.bytes(),
            step.run_id.bytes(),
            step.to.as_str(),
            until,
            column::signed(step.expected_version)
        ])?;
    if moved == 1 {
        Ok(step.expected_version.saturating_add(1))
    } else {
        Err(Refusal::VersionConflict.into())
    }
}
