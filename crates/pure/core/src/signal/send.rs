//! SEND: a named signal. It completes the oldest step that waits for it and whose schema it fits, or is kept.

use crate::command::Refusal;
use crate::decide::draft::{Draft, refusal};
use crate::decide::{Waiting, complete, finish, waiting};
use crate::event::body::SignalReceived;
use crate::evolve::{self, MAX_KEPT_SIGNALS};
use crate::ground::Ground;
use crate::way_out;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::failure::Usage;
use dvt_model::id::SignalId;
use dvt_model::run::EventName;
use serde_json::Value;

/// The largest payload (contract 4.5).
const MAX_BYTES: u64 = 64_000;

pub(super) fn decide(
    draft: &mut Draft<'_>,
    signal_id: &SignalId,
    name: &str,
    payload: &Value,
) -> Result<(), Refusal> {
    let payload = canonical::normalise(payload.clone())
        .map_err(|error| refusal(Code::SignalInvalidPayload, error.to_string()))?;
    if evolve::size(&payload) > MAX_BYTES {
        return Err(refusal(
            Code::SignalInvalidPayload,
            format!("a payload weighs at most {MAX_BYTES} bytes"),
        ));
    }
    let to = match waiting(draft, name, &payload) {
        Waiting::Unfit(message) => return Err(refusal(Code::SignalInvalidPayload, message)),
        Waiting::Step(id) => Some(id),
        Waiting::Nobody => None,
    };
    if draft.run().kept_signals >= MAX_KEPT_SIGNALS {
        let message = format!("{MAX_KEPT_SIGNALS} signals wait for a step already");
        return Err(refusal(Code::QuotaExceeded, message));
    }
    let nth = draft.run().signals + 1;
    let body =
        SignalReceived { signal_id: signal_id.clone(), name: name.to_owned(), payload: payload.clone() };
    draft.run_event(EventName::SignalReceived, nth, &body)?;
    if let Some(id) = to.filter(|_| way_out::is_open(draft.run())) {
        complete(draft, &id, payload, Usage::default(), Some(signal_id.clone()))?;
        finish(draft)?;
    }
    Ok(())
}
