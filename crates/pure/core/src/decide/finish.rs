//! The end of a run, asked after every command that can bring it nearer.

use super::ENGINE;
use super::close::{close, of_the_drain};
use super::draft::Draft;
use super::fail::{failure, of_expression};
use crate::about;
use crate::command::Refusal;
use crate::event::body::{Cancellation, FailingCause, RunCompleted, RunFailed};
use crate::evolve;
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::render;
use crate::state::{Cancel, Failing, Lane, Run};
use crate::way_out::{self, Phase};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory};
use dvt_model::id::StepId;
use dvt_model::run::{EventName, RunStatus, StepStatus};
use serde_json::Value;
use std::collections::BTreeMap;

/// Ends the run where nothing is left to do.
pub(crate) fn finish(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    // A run that never started has no way out to go.
    if draft.run().status == Some(RunStatus::Pending) {
        return cancelled(draft, None);
    }
    if !way_out::goes_on(draft.run()) {
        return Ok(());
    }
    match way_out::phase(draft.run()) {
        Phase::None if is_done(draft.run()) => completed(draft),
        Phase::None | Phase::Drain => Ok(()),
        Phase::Conditional | Phase::Undo | Phase::Finally | Phase::Over => {
            // Waiting ones did not hold up the drain; they are closed at its end.
            let run = draft.run();
            if run.timers + run.children + run.bases > 0 {
                for id in of_the_drain(draft) {
                    // One of them may have ended with another one.
                    if draft.step(&id).is_some_and(|facts| facts.status == StepStatus::Running) {
                        close(draft, &id)?;
                    }
                }
            }
            if way_out::phase(draft.run()) == Phase::Over { over(draft, None) } else { Ok(()) }
        }
    }
}

/// Whether every step is terminal.
fn is_done(run: &Run) -> bool {
    run.open == 0 && (run.open_finally == 0 || mutant::active(Mutant::FinallySkipped))
}

/// The end of the way out.
pub(super) fn over(draft: &mut Draft<'_>, incomplete: Option<Failure>) -> Result<(), Refusal> {
    if draft.run().cancel.is_some() { cancelled(draft, incomplete) } else { failed(draft, incomplete) }
}

fn completed(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if let Some(id) = draft.after(&Lane::FailedFinally.start()).and_then(|place| place.id()) {
        let failure = draft.step(&id).and_then(|facts| facts.error.clone()).unwrap_or_else(a_step_failed);
        return run_failed(draft, failure, Some(id));
    }
    match render::outputs(draft.plan, draft) {
        Ok(outputs) if weight(&outputs) > render::MAX_VALUE_BYTES => {
            let message = format!("the outputs weigh more than {} bytes together", render::MAX_VALUE_BYTES);
            let failure = failure(Code::OutputLimit, FailureCategory::User, "expression", message);
            run_failed(draft, failure, None)
        }
        Ok(outputs) => {
            let started_at = draft.run().started_at.unwrap_or(draft.now);
            let duration_ms = draft.now.ms_since(started_at);
            let about = about::for_parent(draft, about::of_outputs(draft.plan, draft));
            draft.run_event(EventName::RunCompleted, 1, &RunCompleted { outputs, duration_ms, about })
        }
        Err(fault) => run_failed(draft, of_expression(&fault), None),
    }
}

/// The run failed, by a step or by its outputs.
fn run_failed(
    draft: &mut Draft<'_>,
    failure: Failure,
    failed_step_id: Option<StepId>,
) -> Result<(), Refusal> {
    let whose = match &failed_step_id {
        Some(id) => draft.step(id).and_then(|facts| facts.about.clone()),
        None => about::of_outputs(draft.plan, draft),
    };
    let about = about::for_parent(draft, whose);
    draft.run_event(EventName::RunFailed, 1, &RunFailed { failure, failed_step_id, about })
}

/// The canonical bytes of the outputs, which become one value: braces, and of each its name, a colon and a comma.
fn weight(outputs: &BTreeMap<String, Value>) -> u64 {
    outputs.iter().map(|(name, value)| name.len() as u64 + 4 + evolve::size(value)).sum::<u64>() + 2
}

fn a_step_failed() -> Failure {
    failure(Code::StepError, FailureCategory::User, ENGINE, "a step failed")
}

fn failed(draft: &mut Draft<'_>, incomplete: Option<Failure>) -> Result<(), Refusal> {
    let Some(Failing { cause, failed_step_id }) = draft.run().failing.clone() else { return Ok(()) };
    let of_step = failed_step_id.as_ref().and_then(|id| draft.step(id)?.error.clone());
    let failure = match (incomplete, cause) {
        (Some(incomplete), _) => incomplete,
        (None, FailingCause::StepFailed) => of_step.unwrap_or_else(a_step_failed),
        (None, FailingCause::HoldExpired) => {
            let hours = way_out::HOLD_MS / 3_600_000;
            let message = format!("the run was on hold for {hours} hours");
            failure(Code::HoldExpired, FailureCategory::User, ENGINE, message)
        }
        (None, FailingCause::RunTimeout) => {
            let limit = draft.run().max_duration_ms;
            let message = format!("the run took longer than {limit} ms");
            failure(Code::RunTimeout, FailureCategory::Timeout, ENGINE, message)
        }
    };
    run_failed(draft, failure, failed_step_id)
}

fn cancelled(draft: &mut Draft<'_>, failure: Option<Failure>) -> Result<(), Refusal> {
    let Some(Cancel { cause, signal_id }) = draft.run().cancel.clone() else { return Ok(()) };
    draft.run_event(EventName::RunCancelled, 1, &Cancellation { cause, signal_id, failure })
}
