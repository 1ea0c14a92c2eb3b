//! Which runs of its concurrency group a queued run waits for.

use super::fold;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::view::turn::Turn;
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Resource;
use dvt_model::run::RunStatus;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{RunRow, StoredEvent};
use dvt_store::port::transaction::Kind;

/// The turn of a run that is queued; none where no other run goes before it.
pub(crate) async fn of<R: Resource, A: Permits>(
    composition: &Composition,
    proof: &Authorized<R, A>,
    row: &RunRow,
) -> Result<Option<Turn>, Problem> {
    if row.status != RunStatus::Pending {
        return Ok(None);
    }
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    Ok(Turn::behind(&transaction.before_in_group(row.metadata.run_id).await?))
}

/// The same with the group's name, which is made of what the run was started with: only for who may read that.
pub(super) fn named(turn: Turn, plan: &Plan, events: &[StoredEvent]) -> Turn {
    let (state, _) = fold::state(plan, events);
    turn.named(state.group(plan).ok().flatten())
}
