//! Named signals: one that comes late completes the oldest step that waits for it and whose schema it fits; one that comes
//! early is kept until a step asks.

use super::complete::complete;
use super::draft::Draft;
use crate::command::Refusal;
use crate::event::body::SignalReceived;
use crate::ground::Ground;
use crate::lookup;
use crate::mutant::{self, Mutant};
use crate::state::Lane;
use dvt_model::failure::Usage;
use dvt_model::id::StepId;
use dvt_plan::plan::{Form, Signal};
use serde_json::Value;

/// A step that has just begun takes the oldest kept signal that it waits for.
pub(super) fn take_early(draft: &mut Draft<'_>, id: &StepId, waits: &Signal) -> Result<(), Refusal> {
    if mutant::active(Mutant::EarlySignalDropped) {
        return Ok(());
    }
    let numbers = draft.signal_numbers().into_iter();
    let found = numbers
        .filter_map(|number| draft.signal(number))
        .find(|signal| fits(waits, &signal.name, &signal.payload));
    match found.cloned() {
        Some(SignalReceived { signal_id, payload, .. }) => {
            complete(draft, id, payload, Usage::default(), Some(signal_id))
        }
        None => Ok(()),
    }
}

fn fits(waits: &Signal, name: &str, payload: &Value) -> bool {
    waits.name == name && waits.fits(payload).is_ok()
}

/// Who waits for a signal of this name.
pub(crate) enum Waiting {
    /// Nobody.
    Nobody,
    /// Steps do, and it fits none of them; of the oldest, why.
    Unfit(String),
    /// The oldest one that it fits.
    Step(StepId),
}

/// The oldest step that waits for it, and fits.
pub(crate) fn waiting(draft: &Draft<'_>, name: &str, payload: &Value) -> Waiting {
    let mut unfit = None;
    for id in draft.lane(Lane::Signal) {
        let Some(Form::Signal(waits)) = lookup::definition(draft.plan, &id).map(|step| &step.form) else {
            continue;
        };
        if waits.name != name {
            continue;
        }
        match waits.fits(payload) {
            Ok(()) => return Waiting::Step(id),
            Err(message) => unfit = unfit.or(Some(message)),
        }
    }
    unfit.map_or(Waiting::Nobody, Waiting::Unfit)
}
