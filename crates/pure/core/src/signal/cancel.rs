//! CANCEL: the way out begins, or goes on from its present phase. A second one adds no event.

use crate::command::Refusal;
use crate::decide::draft::Draft;
use crate::decide::request_cancel;
use crate::event::body::CancelCause;
use dvt_model::id::SignalId;

pub(super) fn decide(draft: &mut Draft<'_>, signal_id: &SignalId) -> Result<(), Refusal> {
    request_cancel(draft, CancelCause::Cancel, Some(signal_id.clone()))
}
