//! What telemetry keeps of an envelope: kinds, times and ids. No payload reaches it, for it is given none.

use dvt_model::action::Action;
use dvt_model::entry::{Envelope, EventType, Outcome};
use dvt_model::id::{RunId, TenantId};
use dvt_model::run::EventName;
use dvt_model::time::Timestamp;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub(crate) tenant: TenantId,
    pub(crate) event_type: EventType,
    /// Of a decision: whether it is about the start of a run.
    pub(crate) is_start: bool,
    /// Of a run event.
    pub(crate) event: Option<EventName>,
    /// Of another kind: its name within the kind.
    pub(crate) name: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) decision: Outcome,
    pub(crate) code: Option<String>,
    pub(crate) run: Option<RunId>,
    pub(crate) step: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) dispatch: u32,
    /// Bytes of its values that lie in blobs.
    pub(crate) large_bytes: u64,
}

impl Seen {
    /// What is kept of it; so many bytes of its values lie in blobs.
    pub fn of(envelope: &Envelope, large_bytes: u64) -> Self {
        let part = envelope.run.as_ref();
        let event = part.and(envelope.event_name.as_deref()).and_then(EventName::parse);
        Self {
            tenant: envelope.tenant_id,
            event_type: envelope.event_type,
            is_start: envelope.action == Action::RunStart,
            event,
            name: if event.is_some() { None } else { envelope.event_name.clone() },
            at: part.map_or(envelope.recorded_at, |part| part.emitted_at),
            decision: envelope.decision,
            code: envelope.reason_code.clone(),
            run: envelope.run_id,
            step: envelope.step_id.clone(),
            attempt: part.map_or(0, |part| part.logical_attempt_id.0),
            dispatch: part.map_or(0, |part| part.engine_attempt_id.0),
            large_bytes,
        }
    }
}

#[cfg(test)]
pub(crate) mod made {
    use super::*;

    /// A run event, so many milliseconds after the epoch.
    pub(crate) fn event(run: [u8; 16], event: EventName, step: Option<&str>, ms: i64) -> Seen {
        Seen {
            tenant: TenantId::from_random([7; 16]),
            event_type: EventType::StateMutation,
            is_start: false,
            event: Some(event),
            name: None,
            at: Timestamp::from_ms(ms),
            decision: Outcome::Completed,
            code: None,
            run: Some(RunId::from_random(run)),
            step: step.map(ToOwned::to_owned),
            attempt: 1,
            dispatch: 1,
            large_bytes: 0,
        }
    }
}
