//! Signals, one a file. They come here after shape, policy and decision record; only the state is still asked.

mod cancel;
mod emergency_stop;
mod pause;
mod resume;
mod retry_step;
mod send;
mod skip_step;

use crate::command::{Refusal, Signal};
use crate::decide::draft::{Draft, refusal};
use crate::ground::Ground;
use dvt_model::code::Code;
use dvt_model::run::RunStatus;

pub(crate) use retry_step::forgotten_by;

pub(crate) fn decide(draft: &mut Draft<'_>, signal: &Signal) -> Result<(), Refusal> {
    // Anything but RETRY_RUN, which is a start, meets a finished run (contract 4.5).
    if draft.run().status.is_some_and(RunStatus::is_terminal) {
        return Err(refusal(Code::RunTerminal, "the run is over"));
    }
    match signal {
        Signal::Pause { signal_id } => pause::decide(draft, signal_id),
        Signal::Resume { signal_id } => resume::decide(draft, signal_id),
        Signal::Cancel { signal_id } => cancel::decide(draft, signal_id),
        Signal::RetryStep { signal_id, step_id, force, restored } => {
            retry_step::decide(draft, signal_id, step_id, *force, restored)
        }
        Signal::SkipStep { signal_id, step_id } => skip_step::decide(draft, signal_id, step_id),
        Signal::Send { signal_id, name, payload } => send::decide(draft, signal_id, name, payload),
        Signal::EmergencyStop { signal_id, force_kill } => {
            emergency_stop::decide(draft, signal_id, *force_kill)
        }
    }
}

/// The run is in another state than the signal needs.
fn wrong_state(message: impl Into<String>) -> Refusal {
    refusal(Code::InvalidStateTransition, message)
}
