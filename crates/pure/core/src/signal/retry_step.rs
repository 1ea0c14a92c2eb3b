//! RETRY_STEP: another attempt of a step. No dependant runs again; those that have not begun see the new output.

use super::wrong_state;
use crate::command::Refusal;
use crate::decide::draft::{Draft, refusal};
use crate::decide::{MAX_KEPT_BYTES, finish};
use crate::event::body::{Pause, PauseCause, StepRetryRequested};
use crate::evolve;
use crate::ground::Ground;
use crate::way_out;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::id::{SignalId, StepId};
use dvt_model::run::{EventName, RunStatus, StepStatus};
use dvt_plan::plan::Plan;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn decide(
    draft: &mut Draft<'_>,
    signal_id: &SignalId,
    step_id: &StepId,
    force: bool,
    restored: &BTreeMap<StepId, Value>,
) -> Result<(), Refusal> {
    let Some(facts) = draft.step(step_id).filter(|_| step_id.is_plain()) else {
        return Err(wrong_state(format!("the run has no step `{step_id}` that can be tried again")));
    };
    if !way_out::is_open(draft.run()) {
        return Err(wrong_state("the run has not started"));
    }
    match facts.status {
        StepStatus::Failed => {}
        StepStatus::Success | StepStatus::Skipped if force => {}
        StepStatus::Running => return Err(refusal(Code::StepNotTerminal, format!("`{step_id}` runs"))),
        StepStatus::Pending | StepStatus::Success | StepStatus::Skipped => {
            return Err(wrong_state(format!("`{step_id}` has not failed")));
        }
    }
    if !way_out::takes_retries(draft.run()) {
        return Err(wrong_state("the run is ending"));
    }
    let nth = LogicalAttemptId(facts.retry_requests + 1);
    let restored = restore(draft, step_id, restored)?;
    let body = StepRetryRequested { signal_id: signal_id.clone(), force, restored };
    draft.event(EventName::StepRetryRequested, Some(step_id.clone()), nth, EngineAttemptId::FIRST, &body)?;
    end_hold(draft)?;
    finish(draft)
}

/// When the failed set is empty a pause of cause STEP_FAILED ends.
pub(super) fn end_hold(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let run = draft.run();
    let holds = run.pause.as_ref().is_some_and(|pause| pause.cause == PauseCause::StepFailed);
    if holds && run.failed_set == 0 && run.ending_seq.is_none() && run.status == Some(RunStatus::Paused) {
        let nth = run.pauses;
        let body = Pause { cause: PauseCause::StepFailed, signal_id: None };
        draft.run_event(EventName::RunResumed, nth, &body)?;
    }
    Ok(())
}

/// Of what the caller brings, what the state has let go: all of it must be there.
fn restore(
    draft: &Draft<'_>,
    step_id: &StepId,
    brought: &BTreeMap<StepId, Value>,
) -> Result<BTreeMap<StepId, Value>, Refusal> {
    let mut restored = BTreeMap::new();
    let mut bytes = draft.run().kept_bytes;
    for id in forgotten_by(draft.plan, draft, step_id) {
        let Some(output) = brought.get(&id) else {
            let message = format!("the output of `{id}` is needed again and was not brought");
            return Err(refusal(Code::InvalidRequest, message));
        };
        let output = canonical::normalise(output.clone())
            .map_err(|error| refusal(Code::SchemaValidationFailed, error.to_string()))?;
        bytes += evolve::size(&output);
        restored.insert(id, output);
    }
    if bytes > MAX_KEPT_BYTES {
        return Err(refusal(Code::OutputLimit, "the outputs that would be kept weigh too much together"));
    }
    Ok(restored)
}

/// The steps whose outputs a step reads and the state has let go.
pub(crate) fn forgotten_by<G: Ground>(plan: &Plan, ground: &G, step_id: &StepId) -> BTreeSet<StepId> {
    let reads = plan.steps.get(step_id).into_iter().flat_map(|step| &step.reads).cloned();
    // A step of items that succeeded makes its list anew, of what its items left.
    let count = ground.step(step_id).and_then(|facts| facts.items.as_ref()).map_or(0, |items| items.count);
    let items = (0..count).map(|index| step_id.item(index));
    let is_gone = |id: &StepId| {
        ground.step(id).is_some_and(|facts| facts.status == StepStatus::Success)
            && ground.output(id).is_none()
    };
    reads.chain(items).filter(is_gone).collect()
}
