//! `decide(state, command)`: one command a file. A decision gives events and what to do once they are durable; it changes
//! nothing itself, and what it foresees it foresees by the same fold that will be run.

mod close;
mod dispatch;
pub(crate) mod draft;
mod due;
mod fail;
mod finish;
mod offer;
mod recover;
mod report;
mod start;

pub(crate) use close::stop_drain;
pub(crate) use finish::finish;

use crate::command::{Command, Input, Refusal};
use crate::signal;
use crate::state::State;
use crate::{Decided, command::Signal};
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
        Command::Offer { slots } => offer::decide(&mut draft, *slots)?,
        Command::Report(report) => report::decide(&mut draft, report)?,
        Command::Due => due::decide(&mut draft)?,
        Command::Recover => recover::decide(&mut draft)?,
        Command::Signal(Signal::Cancel { signal_id }) => signal::cancel::decide(&mut draft, signal_id)?,
        Command::Signal(
            Signal::Pause { .. }
            | Signal::Resume { .. }
            | Signal::RetryStep { .. }
            | Signal::SkipStep { .. }
            | Signal::Send { .. }
            | Signal::EmergencyStop { .. },
        ) => return Err(refusal(Code::SignalNotImplemented, "this signal is not taken yet")),
        Command::Reuse(_)
        | Command::ChildEnded(_)
        | Command::Vote(_)
        | Command::WorkerLost { .. }
        | Command::Cancel { .. }
        | Command::QueueExpired
        | Command::Abort(_) => {
            return Err(refusal(Code::InvalidStateTransition, "the run has nothing that this is about"));
        }
    }
    Ok(draft.done())
}
