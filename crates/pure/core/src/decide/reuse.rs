//! `Reuse`: a run that continues another one opens with the steps that it takes over, all of them in one append.

use super::draft::{Draft, refusal};
use super::finish::finish;
use crate::command::{Refusal, Reused};
use crate::event::body::{PROVIDER, RunStarted, StepReused};
use crate::evolve;
use crate::ground::Ground;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::run::{EventName, RunStatus};

pub(super) fn decide(draft: &mut Draft<'_>, reused: &[Reused]) -> Result<(), Refusal> {
    let Some(queued) = draft.queued().cloned() else { return Ok(()) };
    let Some(original_run_id) = queued.original_run_id.filter(|_| !queued.reuse.is_empty()) else {
        return Err(refusal(Code::InvalidStateTransition, "the run takes no steps over"));
    };
    match draft.run().status {
        Some(RunStatus::Pending) => {}
        // It came before: a repeat is no error.
        Some(RunStatus::Running | RunStatus::Paused) => return Ok(()),
        Some(RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled) | None => {
            return Err(refusal(Code::RunTerminal, "the run is over"));
        }
    }
    if draft.run().cancel.is_some() || queued.start_at.is_some_and(|at| at > draft.now) {
        return Err(refusal(Code::InvalidStateTransition, "the run may not start now"));
    }
    if !reused.iter().map(|reused| &reused.step_id).eq(queued.reuse.iter()) {
        return Err(refusal(
            Code::InvalidRequest,
            "the steps that were announced, in the order of their ids",
        ));
    }
    draft.run_event(EventName::RunStarted, 1, &RunStarted { provider: PROVIDER.to_owned() })?;
    for Reused { step_id, original_event_id, definition_digest, result } in reused {
        let step = super::offer::step_of(draft, step_id)?;
        if step.definition != *definition_digest {
            let message = format!("`{step_id}` does not do what it did in the original run");
            return Err(refusal(Code::PlanIntegrityValidationFailed, message));
        }
        let result = canonical::normalise(result.clone())
            .map_err(|error| refusal(Code::SchemaValidationFailed, error.to_string()))?;
        let is_read = draft.step(step_id).is_some_and(|facts| facts.readers > 0);
        if is_read && draft.run().kept_bytes + evolve::size(&result) > super::report::MAX_KEPT_BYTES {
            return Err(refusal(
                Code::OutputLimit,
                "the outputs that are taken over weigh too much together",
            ));
        }
        let body = StepReused {
            result,
            original_run_id,
            original_event_id: *original_event_id,
            definition_digest: *definition_digest,
        };
        draft.step_event(EventName::StepReused, step_id, &body)?;
    }
    finish(draft)
}
