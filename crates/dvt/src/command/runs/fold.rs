//! The state of a run as the core folds it from its events; the row in the list is only a cache of it.
//!
//! An event that the core refuses leaves the state as it was and marks the run `INCONSISTENT` (contract 5.6).

use dvt_core::State;
use dvt_core::event::Event;
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::StoredEvent;
use serde_json::Value;

/// The state, and whether the core took every event.
pub(super) fn state(plan: &Plan, events: &[StoredEvent]) -> (State, bool) {
    let mut state = State::default();
    let mut consistent = true;
    for event in events.iter().filter_map(read) {
        consistent &= dvt_core::evolve(plan, &mut state, &event).is_ok();
    }
    (state, consistent)
}

/// `RunStatusSnapshot` (contract 5.5).
pub(crate) fn snapshot(plan: &Plan, events: &[StoredEvent]) -> Value {
    let (state, consistent) = state(plan, events);
    let mut snapshot = state.snapshot();
    if let (false, Some(members)) = (consistent, snapshot.as_object_mut()) {
        members.insert("substatus".to_owned(), Value::from("INCONSISTENT"));
    }
    snapshot
}

/// A stored event as the core knows it; names of a later release are passed over.
fn read(stored: &StoredEvent) -> Option<Event> {
    let part = stored.envelope.run.as_ref()?;
    Some(Event {
        name: EventName::parse(stored.envelope.event_name.as_deref()?)?,
        step_id: stored.envelope.step_id.as_deref().and_then(|id| StepId::parse_stored(id).ok()),
        slot: part.logical_attempt_id,
        engine_attempt_id: part.engine_attempt_id,
        at: part.emitted_at,
        payload: stored.payload.clone().unwrap_or(Value::Null),
    })
}
