//! EMERGENCY_STOP: the run is cancelled now, children's runs too. Nothing of the way out happens, and what a worker says
//! later is refused.

use crate::command::Refusal;
use crate::decide::draft::Draft;
use crate::decide::stop_all;
use crate::event::body::{CancelCause, Cancellation};
use dvt_model::id::SignalId;
use dvt_model::run::EventName;

pub(super) fn decide(draft: &mut Draft<'_>, signal_id: &SignalId, force_kill: bool) -> Result<(), Refusal> {
    stop_all(draft, force_kill)?;
    let body =
        Cancellation { cause: CancelCause::EmergencyStop, signal_id: Some(signal_id.clone()), failure: None };
    draft.run_event(EventName::RunCancelled, 1, &body)
}
