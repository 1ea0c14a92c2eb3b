//! Ends that come from outside the run: the queue kept it too long, its plan cannot be trusted, another run ends it.

use super::ENGINE;
use super::close::{close_all, stop_drain};
use super::draft::{Draft, refusal};
use super::fail::failure;
use super::finish::finish;
use crate::command::{OtherRun, Refusal};
use crate::event::body::{CancelCause, Cancellation, RunFailed};
use crate::ground::Ground;
use dvt_model::code::Code;
use dvt_model::failure::{Failure, FailureCategory};
use dvt_model::id::SignalId;
use dvt_model::run::{EventName, RunStatus};

/// The queue kept it too long.
pub(super) fn queue_expired(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if draft.run().status != Some(RunStatus::Pending) {
        return Err(refusal(Code::InvalidStateTransition, "the run does not wait in a queue"));
    }
    let failure = failure(
        Code::QueueTtlExpired,
        FailureCategory::System,
        ENGINE,
        "the run waited too long in the queue",
    );
    draft.run_event(EventName::RunFailed, 1, &RunFailed { failure, failed_step_id: None, about: None })
}

/// The plan cannot be trusted, or the run cannot be begun.
pub(super) fn abort(draft: &mut Draft<'_>, failure: &Failure) -> Result<(), Refusal> {
    let run = draft.run();
    if run.status.is_some_and(RunStatus::is_terminal) {
        return Err(refusal(Code::RunTerminal, "the run is over"));
    }
    if run.has_done {
        return Err(refusal(Code::InvalidStateTransition, "the run has completed a step"));
    }
    close_all(draft)?;
    draft.run_event(
        EventName::RunFailed,
        1,
        &RunFailed { failure: failure.clone(), failed_step_id: None, about: None },
    )
}

/// Another run ends this one.
pub(super) fn by_other(draft: &mut Draft<'_>, cause: OtherRun) -> Result<(), Refusal> {
    let cause = match cause {
        OtherRun::Parent => CancelCause::Parent,
        OtherRun::Concurrency => CancelCause::Concurrency,
    };
    request(draft, cause, None)
}

/// RunCancelRequested, and the way out. A second one adds no event.
pub(crate) fn request(
    draft: &mut Draft<'_>,
    cause: CancelCause,
    signal_id: Option<SignalId>,
) -> Result<(), Refusal> {
    if draft.run().status.is_some_and(RunStatus::is_terminal) {
        return Err(refusal(Code::RunTerminal, "the run is over"));
    }
    if draft.run().cancel.is_some() {
        return Ok(());
    }
    let body = Cancellation { cause, signal_id, failure: None };
    draft.run_event(EventName::RunCancelRequested, 1, &body)?;
    // A failing run that is past its drain goes on where it is: what runs there belongs to the way out.
    stop_drain(draft)?;
    finish(draft)
}
