//! An attempt failed: a retry where the policy gives one, else the failed set, whose first step makes the run fail or hold.

use super::complete::settle_items;
use super::dispatch::token;
use super::draft::{Draft, unknown};
use super::offer::step_of;
use crate::about::About;
use crate::command::Refusal;
use crate::event::body::{FailingCause, Pause, PauseCause, RunFailing, StepFailed};
use crate::ground::Ground;
use crate::lookup::Doing;
use crate::retry;
use crate::state::Lane;
use crate::way_out;
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::{EventName, RunStatus};
use dvt_plan::expression::Fault;
use dvt_plan::plan::OnStepFailure;

/// Ends the newest attempt of a step, item or compensation with this failure.
pub(super) fn fail(
    draft: &mut Draft<'_>,
    id: &StepId,
    failure: Failure,
    usage: Usage,
) -> Result<(), Refusal> {
    fail_about(draft, id, failure, usage, None)
}

/// The same where only the end says whose data the failure tells of.
pub(super) fn fail_about(
    draft: &mut Draft<'_>,
    id: &StepId,
    failure: Failure,
    usage: Usage,
    about: Option<About>,
) -> Result<(), Refusal> {
    let step = step_of(draft, id)?;
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    let logical = facts.logical.0;
    // Items have their own retries: their step has none, it fails when one of them is out of them.
    let has_retries = facts.doing != Doing::Items && !goes_down(draft, id);
    let may = has_retries && way_out::may_retry(draft.run(), facts);
    // The due time stands in the event before the wait begins: a crash during the wait changes nothing.
    let retry_at = if may && retry::covers(&step.retry, logical, &failure) {
        Some(draft.now.plus_ms(retry::pause_ms(&step.retry, logical, &token(draft, id)?)))
    } else {
        None
    };
    draft.step_event(EventName::StepFailed, id, &StepFailed { failure, usage, retry_at, about })?;
    if !id.is_plain() {
        return settle_items(draft, id);
    }
    look_at_failed_set(draft)
}

/// An item whose step is on its way down is not tried again: it would never begin.
fn goes_down(draft: &Draft<'_>, id: &StepId) -> bool {
    let base = id.index().filter(|_| !id.is_compensation()).and_then(|_| StepId::parse(id.step()).ok());
    let facts = base.and_then(|base| draft.step(&base));
    facts.is_some_and(|facts| {
        let failed = facts.items.as_ref().is_some_and(|items| items.failed.is_some());
        failed || way_out::is_before_ending(draft.run(), facts)
    })
}

/// What the failed set makes of a run that runs and is not ending: it fails, or holds. Nothing where the set is empty.
pub(crate) fn look_at_failed_set(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if draft.run().status != Some(RunStatus::Running) || draft.run().ending_seq.is_some() {
        return Ok(());
    }
    let Some(failed_step_id) = first_failed(draft) else { return Ok(()) };
    match draft.plan.on_step_failure {
        OnStepFailure::Fail => run_failing(draft, FailingCause::StepFailed, Some(failed_step_id)),
        OnStepFailure::Hold => {
            let nth = draft.run().pauses + 1;
            draft.run_event(
                EventName::RunPaused,
                nth,
                &Pause { cause: PauseCause::StepFailed, signal_id: None },
            )
        }
    }
}

/// The first step in the failed set.
pub(crate) fn first_failed(draft: &Draft<'_>) -> Option<StepId> {
    draft.after(&Lane::Failed.start())?.id()
}

/// The run is failing from here on.
pub(crate) fn run_failing(
    draft: &mut Draft<'_>,
    cause: FailingCause,
    failed_step_id: Option<StepId>,
) -> Result<(), Refusal> {
    let nth = draft.run().failings + 1;
    draft.run_event(EventName::RunFailing, nth, &RunFailing { cause, failed_step_id })
}

/// The failure of an expression.
pub(super) fn of_expression(fault: &Fault) -> Failure {
    let error_code = match fault {
        Fault::OverBudget(_) => Code::ExpressionOverBudget,
        Fault::Failed(_) => Code::ExpressionFailed,
    };
    failure(error_code, FailureCategory::User, "expression", fault.to_string())
}

/// A failure that no retry class covers.
pub(crate) fn failure(
    error_code: Code,
    failure_category: FailureCategory,
    source: &str,
    error_message: impl Into<String>,
) -> Failure {
    Failure {
        error_code,
        error_message: error_message.into(),
        retryable: false,
        failure_category,
        failure_source: source.to_owned(),
        exit_status: None,
    }
}
