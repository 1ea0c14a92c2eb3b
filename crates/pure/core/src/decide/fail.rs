//! An attempt failed: a retry where the policy gives one, else the failed set, whose first step fails the run.

use super::dispatch::token;
use super::draft::{Draft, unknown};
use crate::command::Refusal;
use crate::event::body::{FailingCause, RunFailing, StepFailed};
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::retry;
use crate::way_out;
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use dvt_plan::expression::Fault;

/// Ends the step's newest attempt with this failure.
pub(super) fn fail(
    draft: &mut Draft<'_>,
    id: &StepId,
    failure: Failure,
    usage: Usage,
) -> Result<(), Refusal> {
    let plan = draft.plan;
    let step = plan.steps.get(id).ok_or_else(|| unknown(id))?;
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    let logical = facts.logical.0;
    // The due time stands in the event before the wait begins: a crash during the wait changes nothing.
    let again = way_out::may_retry(draft.run(), facts) && retry::covers(&step.retry, logical, &failure);
    let retry_at = if again {
        Some(draft.now.plus_ms(retry::pause_ms(&step.retry, logical, &token(draft, id)?)))
    } else {
        None
    };
    draft.step_event(EventName::StepFailed, id, &StepFailed { failure, usage, retry_at })?;
    let forgiven = step.continue_on_error && !mutant::active(Mutant::ContinueOnErrorIgnored);
    if again || forgiven || draft.run().ending_seq.is_some() {
        return Ok(());
    }
    let body = RunFailing { cause: FailingCause::StepFailed, failed_step_id: Some(id.clone()) };
    run_failing(draft, &body)
}

/// The run is failing from here on.
pub(super) fn run_failing(draft: &mut Draft<'_>, body: &RunFailing) -> Result<(), Refusal> {
    let nth = draft.run().failings + 1;
    draft.run_event(EventName::RunFailing, nth, body)
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
pub(super) fn failure(
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
