//! CANCEL: the way out begins, or goes on from its present phase. A second one adds no event.

use crate::command::Refusal;
use crate::decide::draft::{Draft, refusal};
use crate::decide::{finish, stop_drain};
use crate::event::body::{CancelCause, Cancellation};
use crate::ground::Ground;
use dvt_model::code::Code;
use dvt_model::id::SignalId;
use dvt_model::run::EventName;

pub(crate) fn decide(draft: &mut Draft<'_>, signal_id: &SignalId) -> Result<(), Refusal> {
    if draft.run().status.is_some_and(dvt_model::run::RunStatus::is_terminal) {
        return Err(refusal(Code::RunTerminal, "the run is over"));
    }
    if draft.run().cancel.is_some() {
        return Ok(());
    }
    let body = Cancellation { cause: CancelCause::Cancel, signal_id: Some(signal_id.clone()), failure: None };
    draft.run_event(EventName::RunCancelRequested, 1, &body)?;
    // A failing run that is past its drain goes on where it is: what runs there belongs to the way out.
    stop_drain(draft)?;
    finish(draft)
}
