//! The end of a run, asked after every command that can bring it nearer.

use super::ENGINE;
use super::close::{close, of_the_drain};
use super::draft::Draft;
use super::fail::{failure, of_expression};
use crate::command::Refusal;
use crate::event::body::{Cancellation, FailingCause, RunCompleted, RunFailed};
use crate::evolve;
use crate::ground::Ground;
use crate::render;
use crate::state::{Cancel, Failing};
use crate::way_out::{self, Phase};
use dvt_model::code::Code;
use dvt_model::failure::FailureCategory;
use dvt_model::run::{EventName, RunStatus};
use serde_json::Value;
use std::collections::BTreeMap;

/// Ends the run where nothing is left to do.
pub(crate) fn finish(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    match draft.run().status {
        // A run that never started has no way out to go.
        Some(RunStatus::Pending) => return cancelled(draft),
        Some(RunStatus::Running) => {}
        Some(RunStatus::Paused | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled) | None => {
            return Ok(());
        }
    }
    match way_out::phase(draft.run()) {
        Phase::None if draft.run().open == 0 => completed(draft),
        Phase::None | Phase::Drain => Ok(()),
        Phase::Conditional | Phase::Over => {
            // Timers did not hold up the drain; they are closed at its end.
            if draft.run().timers > 0 {
                for id in of_the_drain(draft) {
                    close(draft, &id)?;
                }
            }
            if way_out::phase(draft.run()) == Phase::Conditional {
                return Ok(());
            }
            if draft.run().cancel.is_some() { cancelled(draft) } else { failed(draft) }
        }
    }
}

fn completed(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    match render::outputs(draft.plan, draft) {
        Ok(outputs) if weight(&outputs) > render::MAX_VALUE_BYTES => {
            let message = format!("the outputs weigh more than {} bytes together", render::MAX_VALUE_BYTES);
            let failure = failure(Code::OutputLimit, FailureCategory::User, "expression", message);
            draft.run_event(EventName::RunFailed, 1, &RunFailed { failure, failed_step_id: None })
        }
        Ok(outputs) => {
            let started_at = draft.run().started_at.unwrap_or(draft.now);
            let duration_ms = draft.now.ms_since(started_at);
            draft.run_event(EventName::RunCompleted, 1, &RunCompleted { outputs, duration_ms })
        }
        Err(fault) => {
            let body = RunFailed { failure: of_expression(&fault), failed_step_id: None };
            draft.run_event(EventName::RunFailed, 1, &body)
        }
    }
}

/// The canonical bytes of the outputs, which become one value: braces, and of each its name, a colon and a comma.
fn weight(outputs: &BTreeMap<String, Value>) -> u64 {
    outputs.iter().map(|(name, value)| name.len() as u64 + 4 + evolve::size(value)).sum::<u64>() + 2
}

fn failed(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let Some(Failing { cause, failed_step_id }) = draft.run().failing.clone() else { return Ok(()) };
    let of_step = failed_step_id.as_ref().and_then(|id| draft.step(id)?.error.clone());
    let failure = match (cause, of_step) {
        (FailingCause::StepFailed | FailingCause::HoldExpired, Some(failure)) => failure,
        (FailingCause::StepFailed | FailingCause::HoldExpired, None) => {
            failure(Code::StepError, FailureCategory::User, ENGINE, "a step failed")
        }
        (FailingCause::RunTimeout, Some(_) | None) => {
            let limit = draft.run().max_duration_ms;
            failure(
                Code::RunTimeout,
                FailureCategory::Timeout,
                ENGINE,
                format!("the run took longer than {limit} ms"),
            )
        }
    };
    draft.run_event(EventName::RunFailed, 1, &RunFailed { failure, failed_step_id })
}

fn cancelled(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    let Some(Cancel { cause, signal_id }) = draft.run().cancel.clone() else { return Ok(()) };
    draft.run_event(EventName::RunCancelled, 1, &Cancellation { cause, signal_id, failure: None })
}
