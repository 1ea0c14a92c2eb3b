//! The one place where the engine draws chance: ids for envelopes, and the entropy of commands (contract 5.8).

use dvt_keys::entropy::{each, random};
use dvt_model::id::{DecisionId, EntryId, EventId, RequestId, RunId};
use dvt_model::time::Timestamp;

pub(crate) fn decision(now: Timestamp) -> DecisionId {
    DecisionId::at(now, random())
}

pub(crate) fn entry() -> EntryId {
    EntryId::from_random(random())
}

/// An entry's and its event's.
pub(crate) fn entry_and_event() -> (EntryId, EventId) {
    let [entry, event] = each();
    (EntryId::from_random(entry), EventId::from_random(event))
}

pub(crate) fn request() -> RequestId {
    RequestId::from_random(random())
}

pub(crate) fn run(now: Timestamp) -> RunId {
    RunId::at(now, random())
}

pub(crate) fn entropy() -> [u8; 32] {
    random()
}
