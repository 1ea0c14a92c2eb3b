//! SKIP_STEP: an operator leaves a step out; it counts as a success for those that need it. Never an approval.

use super::retry_step::end_hold;
use super::wrong_state;
use crate::command::Refusal;
use crate::decide::draft::{Draft, refusal, unknown};
use crate::decide::finish;
use crate::event::body::{SkipReason, StepSkipped};
use crate::ground::Ground;
use crate::way_out;
use dvt_model::attempt::EngineAttemptId;
use dvt_model::code::Code;
use dvt_model::id::{SignalId, StepId};
use dvt_model::run::{EventName, StepStatus};
use dvt_plan::plan::Form;

pub(super) fn decide(draft: &mut Draft<'_>, signal_id: &SignalId, step_id: &StepId) -> Result<(), Refusal> {
    let Some(facts) = draft.step(step_id).filter(|_| step_id.is_plain()) else {
        return Err(wrong_state(format!("the run has no step `{step_id}` that can be left out")));
    };
    // What has ended says so before anything else is asked (contract 4.5, 3).
    let is_over = match facts.status {
        StepStatus::Success | StepStatus::Skipped => true,
        StepStatus::Failed => facts.failed_seq == 0,
        StepStatus::Pending | StepStatus::Running => false,
    };
    if is_over {
        return Err(refusal(Code::StepTerminal, format!("`{step_id}` has ended")));
    }
    if !way_out::is_open(draft.run()) || draft.run().ending_seq.is_some() {
        return Err(wrong_state("the run has not started, or is ending"));
    }
    let step = draft.plan.steps.get(step_id).ok_or_else(|| unknown(step_id))?;
    if matches!(step.form, Form::Approval(_)) {
        return Err(wrong_state("an approval cannot be left out"));
    }
    let (slot, engine) = match facts.status {
        StepStatus::Pending => (facts.logical, facts.engine),
        StepStatus::Success | StepStatus::Failed | StepStatus::Skipped => {
            (facts.logical.next(), EngineAttemptId::FIRST)
        }
        StepStatus::Running => return Err(wrong_state(format!("`{step_id}` runs"))),
    };
    let body = StepSkipped { reason_code: SkipReason::OperatorSkip, signal_id: Some(signal_id.clone()) };
    draft.event(EventName::StepSkipped, Some(step_id.clone()), slot, engine, &body)?;
    end_hold(draft)?;
    finish(draft)
}
