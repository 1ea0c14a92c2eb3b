//! What a reason needs beside the picture: children, votes and causes, folded from the same events.

use dvt_model::run::EventName;
use dvt_store::port::operation::StoredEvent;
use serde_json::Value;
use std::collections::BTreeMap;

/// By step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Who paused it: OPERATOR or STEP_FAILED.
    pub(crate) pause_cause: Option<String>,
    pub(crate) cancel_cause: Option<String>,
    pub(crate) children: BTreeMap<String, String>,
    /// Whether whoever started it is kept from voting.
    pub(crate) is_starter_kept_out: bool,
    /// Votes for the present attempt.
    pub(crate) approvals: BTreeMap<String, u32>,
}

impl Facts {
    /// Reads them.
    pub(crate) fn of(events: &[StoredEvent]) -> Self {
        let mut facts = Self::default();
        for event in events {
            let name = event.envelope.event_name.as_deref().and_then(EventName::parse);
            let text = |key: &str| {
                let value = event.payload.as_ref().and_then(|payload| payload.get(key));
                value.and_then(Value::as_str).map(ToOwned::to_owned)
            };
            match (name, &event.envelope.step_id) {
                (Some(EventName::RunQueued), _) => {
                    let kept_out = event.payload.as_ref().and_then(|payload| payload.get("initiators"));
                    facts.is_starter_kept_out =
                        kept_out.and_then(Value::as_array).is_some_and(|all| !all.is_empty());
                }
                (Some(EventName::RunPaused), _) => facts.pause_cause = text("cause"),
                (Some(EventName::RunResumed), _) => facts.pause_cause = None,
                (Some(EventName::RunCancelRequested | EventName::RunCancelled), _) => {
                    facts.cancel_cause = text("cause").or(facts.cancel_cause);
                }
                (Some(EventName::StepStarted), Some(step)) => {
                    facts.approvals.remove(step);
                    match text("childRunId") {
                        Some(child) => drop(facts.children.insert(step.clone(), child)),
                        None => drop(facts.children.remove(step)),
                    }
                }
                (Some(EventName::StepVoted), Some(step))
                    if text("outcome").as_deref() == Some("APPROVED") =>
                {
                    *facts.approvals.entry(step.clone()).or_default() += 1;
                }
                _ => {}
            }
        }
        facts
    }
}
