//! `decide(state, command)`: one command a file. A decision gives events and what to do once they are durable; it changes
//! nothing itself, and what it foresees it foresees by the same fold that will be run.

mod begin;
mod child;
mod close;
mod complete;
mod dispatch;
pub(crate) mod draft;
mod due;
mod early_end;
mod fail;
mod finish;
mod named;
mod offer;
mod recover;
mod report;
mod reuse;
mod start;
mod vote;

pub(crate) use close::stop_all;
pub(crate) use early_end::request as request_cancel;
pub(crate) use fail::{first_failed, look_at_failed_set, run_failing};
pub(crate) use finish::finish;
pub(crate) use named::{Waiting, waiting};
pub(crate) use offer::lanes;
pub use recover::MAX_DISPATCHES;
pub(crate) use report::MAX_KEPT_BYTES;

use crate::Decided;
use crate::command::{Command, Input, Refusal};
use crate::signal;
use crate::state::State;
use draft::{Draft, refusal};
use dvt_model::code::Code;
use dvt_plan::plan::Plan;

/// The `failureSource` of what the engine itself closed.
pub(crate) const ENGINE: &str = "engine";

/// Decides a command.
pub(crate) fn decide(plan: &Plan, state: &State, input: &Input) -> Result<Decided, Refusal> {
    let mut draft = Draft::new(plan, state, input);
    if state.run.status.is_none() {
        let Command::Start(start) = &input.command else {
            return Err(refusal(Code::RunNotFound, "the run was not queued"));
        };
        start::decide(&mut draft, start)?;
        return Ok(draft.done());
    }
    match &input.command {
        Command::Start(_) => return Err(refusal(Code::RunAlreadyExists, "the run was queued before")),
        Command::Reuse(reused) => reuse::decide(&mut draft, reused)?,
        Command::Offer { slots } => offer::decide(&mut draft, *slots)?,
        Command::Report(report) => report::decide(&mut draft, report)?,
        Command::ChildEnded(ended) => child::ended(&mut draft, ended)?,
        Command::Vote(vote) => vote::decide(&mut draft, vote)?,
        Command::WorkerLost { lost } => recover::lost(&mut draft, lost)?,
        Command::Due => due::decide(&mut draft)?,
        Command::Signal(signal) => signal::decide(&mut draft, signal)?,
        Command::Recover => recover::decide(&mut draft)?,
        Command::Cancel { cause } => early_end::by_other(&mut draft, *cause)?,
        Command::QueueExpired => early_end::queue_expired(&mut draft)?,
        Command::Abort(failure) => early_end::abort(&mut draft, failure)?,
    }
    Ok(draft.done())
}

/// Ends an attempt well, where a signal does it.
pub(crate) fn complete(
    draft: &mut Draft<'_>,
    id: &dvt_model::id::StepId,
    result: serde_json::Value,
    usage: dvt_model::failure::Usage,
    signal_id: Option<dvt_model::id::SignalId>,
) -> Result<(), Refusal> {
    complete::complete(draft, id, result, usage, signal_id)
}
