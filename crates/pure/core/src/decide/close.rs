//! Attempts that the engine itself ends: on a cancel, a time-out of the run, and at the end of a drain.

use super::ENGINE;
use super::draft::Draft;
use super::fail::failure;
use crate::command::Refusal;
use crate::event::body::StepFailed;
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::state::Lane;
use crate::way_out;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::EventName;

/// Attempts of the drain, timers included, in order.
pub(super) fn of_the_drain(draft: &Draft<'_>) -> Vec<StepId> {
    let mut running = draft.lane(Lane::Running);
    running.retain(|id| draft.step(id).is_some_and(|facts| way_out::is_of_the_drain(draft.run(), facts)));
    running
}

/// Closes an attempt, whatever its worker will say.
pub(super) fn close(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let failure = failure(Code::Cancelled, FailureCategory::User, ENGINE, "ended with its run");
    draft.step_event(
        EventName::StepFailed,
        id,
        &StepFailed { failure, usage: Usage::default(), retry_at: None },
    )
}

/// Ends what drains: steps inside the engine at once, others by the worker.
pub(crate) fn stop_drain(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if mutant::active(Mutant::CancelIgnoredInDrain) {
        return Ok(());
    }
    for id in of_the_drain(draft) {
        if draft.plan.steps.get(&id).is_some_and(|step| way_out::is_inside(&step.form)) {
            close(draft, &id)?;
        } else {
            draft.stop(&id);
        }
    }
    Ok(())
}
