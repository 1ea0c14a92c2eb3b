//! Attempts that the engine itself ends: on a cancel, a time-out of the run, at the end of a drain, and by EMERGENCY_STOP.
//! A child's run is asked to cancel (or ended) in the same breath.

use super::ENGINE;
use super::draft::Draft;
use super::fail::failure;
use crate::command::Refusal;
use crate::event::Effect;
use crate::event::body::StepFailed;
use crate::ground::Ground;
use crate::lookup::Doing;
use crate::mutant::{self, Mutant};
use crate::state::Lane;
use crate::way_out::{self, GRACE_MS};
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::EventName;

/// All that runs, in order; a step of items after its items, which it outlives.
fn running(draft: &Draft<'_>) -> Vec<StepId> {
    let is_base = |id: &StepId| draft.step(id).is_some_and(|facts| facts.doing == Doing::Items);
    let (bases, mut others): (Vec<_>, Vec<_>) = draft.lane(Lane::Running).into_iter().partition(is_base);
    others.extend(bases);
    others
}

/// Attempts of the drain, waiting ones included, in order.
pub(super) fn of_the_drain(draft: &Draft<'_>) -> Vec<StepId> {
    let mut running = running(draft);
    running.retain(|id| draft.step(id).is_some_and(|facts| way_out::is_of_the_drain(draft.run(), facts)));
    running
}

/// Closes an attempt, whatever its worker will say.
pub(super) fn close(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let child = draft.step(id).and_then(|facts| facts.child);
    if let Some(child_run_id) = child.filter(|_| !mutant::active(Mutant::ChildLeftRunning)) {
        draft.effect(Effect::CancelChild { step_id: id.clone(), child_run_id });
    }
    record(draft, id)
}

fn record(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let failure = failure(Code::Cancelled, FailureCategory::User, ENGINE, "ended with its run");
    draft.step_event(
        EventName::StepFailed,
        id,
        &StepFailed { failure, usage: Usage::default(), retry_at: None, about: None },
    )
}

/// Closes all that runs, and tells the workers: nobody waits for them any more.
pub(super) fn close_all(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    for id in running(draft) {
        if draft.step(&id).is_some_and(|facts| facts.doing == Doing::Worker) {
            draft.stop(&id, GRACE_MS);
        }
        close(draft, &id)?;
    }
    Ok(())
}

/// Ends all that runs now, without the way out, children's runs too.
pub(crate) fn stop_all(draft: &mut Draft<'_>, force_kill: bool) -> Result<(), Refusal> {
    for id in running(draft) {
        let Some(facts) = draft.step(&id) else { continue };
        match (facts.doing, facts.child) {
            (Doing::Worker, _) => draft.stop(&id, if force_kill { 0 } else { GRACE_MS }),
            (Doing::Child, Some(child_run_id)) => {
                draft.effect(Effect::StopChild { step_id: id.clone(), child_run_id, force_kill });
            }
            (Doing::Noop | Doing::Standing | Doing::Items | Doing::Child, _) => {}
        }
        record(draft, &id)?;
    }
    Ok(())
}

/// Ends what drains: what a worker does by the worker, all else at once.
pub(crate) fn stop_drain(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if mutant::active(Mutant::CancelIgnoredInDrain) {
        return Ok(());
    }
    for id in of_the_drain(draft) {
        let Some(facts) = draft.step(&id) else { continue };
        match facts.doing {
            Doing::Worker => draft.stop(&id, GRACE_MS),
            Doing::Noop | Doing::Standing | Doing::Child => {
                close(draft, &id)?;
                super::complete::settle_items(draft, &id)?;
            }
            // Its items are being ended; it ends with the last of them, or at the end of the drain.
            Doing::Items => {}
        }
    }
    Ok(())
}
