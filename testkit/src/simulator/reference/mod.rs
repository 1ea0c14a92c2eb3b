//! The reference model: the contract's sentences, said again as simply as possible. At each command it reads all events
//! from the first to the last, asks what they mean, and says what must follow. It keeps nothing, counts nothing and shares
//! no code with `decide`; it is slow, and meant to be obviously right.

mod answer;
mod view;
mod words;

pub use answer::{Essence, Expected};

use dvt_core::command::{Command, Input, Signal};
use dvt_core::event::Event;
use dvt_model::code::Code;
use dvt_plan::plan::Plan;

/// What must follow this command after these events.
pub fn expect(plan: &Plan, past: &[Event], input: &Input) -> Result<Expected, Code> {
    let mut answer = answer::Answer::new(plan, past, input.now);
    match &input.command {
        Command::Start(start) if past.is_empty() => answer.start(start),
        Command::Start(_) => return Err(Code::RunAlreadyExists),
        _ if past.is_empty() => return Err(Code::RunNotFound),
        Command::Offer { slots } => answer.offer(*slots),
        Command::Report(report) => answer.report(report)?,
        Command::Due => answer.due(),
        Command::Recover => answer.recover(),
        Command::Signal(Signal::Cancel { signal_id }) => answer.cancel(signal_id)?,
        Command::Signal(_) => return Err(Code::SignalNotImplemented),
        Command::Reuse(_)
        | Command::ChildEnded(_)
        | Command::Vote(_)
        | Command::WorkerLost { .. }
        | Command::Cancel { .. }
        | Command::QueueExpired
        | Command::Abort(_) => return Err(Code::InvalidStateTransition),
    }
    Ok(answer.done())
}
