//! Sub-plans: a run of its own, at most the caller's rights, at most eight of them one in another.
// A child may do what its parent may, and nothing more: power is handed down, never made.

use super::begin::of_engine;
use super::complete::complete_about;
use super::draft::{Draft, refusal, unknown};
use super::fail::{fail, fail_about};
use super::finish::finish;
use super::offer::step_of;
use crate::about;
use crate::command::{ChildEnded, ChildOutcome, Refusal};
use crate::event::body::StepStarted;
use crate::event::{Effect, StartChild};
use crate::ground::Ground;
use crate::way_out;
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::{RunId, StepId};
use dvt_model::run::{EventName, StepStatus};
use dvt_plan::plan::SubPlan;
use serde_json::{Map, Value};

/// Runs above a run, at most.
const MAX_DEPTH: u32 = 8;

/// Starts the run of a sub-plan.
pub(super) fn start(
    draft: &mut Draft<'_>,
    id: &StepId,
    sub_plan: &SubPlan,
    body: StepStarted,
) -> Result<(), Refusal> {
    let depth = draft.queued().map_or(0, |queued| queued.depth);
    let refused = if depth >= MAX_DEPTH {
        Some(of_engine(
            Code::PlanUnbounded,
            FailureCategory::User,
            format!("sub-plans go {MAX_DEPTH} deep at most"),
        ))
    } else if sub_plan.digest.is_none() {
        let message = format!("the sub-plan `{}` is not pinned", sub_plan.reference);
        Some(of_engine(Code::PlanIntegrityValidationFailed, FailureCategory::User, message))
    } else {
        None
    };
    if let Some(failure) = refused {
        draft.step_event(EventName::StepStarted, id, &body)?;
        return fail(draft, id, failure, Usage::default());
    }
    let child_run_id = RunId::from_random(draft.draw());
    let body = StepStarted { child_run_id: Some(child_run_id), ..body };
    draft.step_event(EventName::StepStarted, id, &body)?;
    give_out(draft, id)
}

/// Asks for the child's run, or asks again: its id makes the second time harmless.
pub(super) fn give_out(draft: &mut Draft<'_>, id: &StepId) -> Result<(), Refusal> {
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    let (logical_attempt_id, Some(child_run_id)) = (facts.logical, facts.child) else { return Ok(()) };
    // INVARIANT(INV-18): what a sub-plan is given is about whom its step was given it about.
    let about = facts.about.as_ref().map(|about| about.named(draft.persons()));
    let Some(queued) = draft.queued() else { return Ok(()) };
    let inputs = draft.inputs(id).and_then(|inputs| inputs.get("with")?.as_object()).cloned();
    let child = StartChild {
        step_id: id.clone(),
        logical_attempt_id,
        child_run_id,
        parent_run_id: queued.run_id,
        depth: queued.depth + 1,
        inputs: inputs.unwrap_or_else(Map::new).into_iter().collect(),
        power: queued.power.clone(),
        initiators: queued.initiators.clone(),
        about,
    };
    draft.effect(Effect::StartChild(child));
    Ok(())
}

/// The run of a sub-plan ended. One that the parent has closed meanwhile is heard and changes nothing.
pub(super) fn ended(draft: &mut Draft<'_>, ended: &ChildEnded) -> Result<(), Refusal> {
    let id = &ended.step_id;
    if !way_out::is_open(draft.run()) {
        return Err(refusal(Code::RunTerminal, "the run is over"));
    }
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    if facts.child != Some(ended.child_run_id) {
        let message = format!("`{id}` has no such run");
        return Err(refusal(Code::InvalidStateTransition, message));
    }
    if facts.status != StepStatus::Running {
        return Ok(());
    }
    // INVARIANT(INV-18): what a sub-plan gives is about whom its run says, whatever its step reads.
    let told = about::of_child(draft, id, step_of(draft, id)?, ended.about.as_ref());
    match &ended.outcome {
        ChildOutcome::Completed(outputs) => {
            let outputs = Value::Object(outputs.clone().into_iter().collect());
            match super::report::accepted(draft, id, &outputs) {
                Ok(result) => complete_about(draft, id, result, (Usage::default(), None), told.output)?,
                Err(failure) => fail_about(draft, id, failure, Usage::default(), told.inputs)?,
            }
        }
        ChildOutcome::Failed(failure) => {
            fail_about(draft, id, failure.clone(), Usage::default(), told.inputs)?;
        }
        ChildOutcome::Cancelled => {
            let message = "the run of the sub-plan was cancelled".to_owned();
            fail(draft, id, of_engine(Code::Cancelled, FailureCategory::User, message), Usage::default())?;
        }
    }
    finish(draft)
}
