//! An event as the reference knows it: names and numbers, nothing of the core's types that could think.

use dvt_core::event::Event;
use dvt_model::time::Timestamp;
use serde_json::Value;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Its name, as on the wire.
    pub name: &'static str,
    /// The step, item or compensation; none on run events.
    pub step: Option<String>,
    /// Slot 3 of the key.
    pub slot: u32,
    /// The dispatch.
    pub dispatch: u32,
    /// When.
    pub at: Timestamp,
    /// The payload.
    pub payload: Value,
}

impl Said {
    /// A stored event.
    pub fn of(event: &Event) -> Self {
        Self {
            name: event.name.as_str(),
            step: event.step_id.as_ref().map(ToString::to_string),
            slot: event.slot.0,
            dispatch: event.engine_attempt_id.0,
            at: event.at,
            payload: event.payload.clone(),
        }
    }

    /// A text of the payload; empty where there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A moment of the payload.
    pub fn moment(&self, pointer: &str) -> Option<Timestamp> {
        self.payload.pointer(pointer).and_then(Value::as_str).and_then(Timestamp::parse)
    }

    /// The same without the sentences for people, which the reference does not say again.
    #[must_use]
    pub fn without_sentences(mut self) -> Self {
        if let Some(failure) = self.payload.get_mut("failure").and_then(Value::as_object_mut) {
            failure.remove("errorMessage");
        }
        self
    }
}
