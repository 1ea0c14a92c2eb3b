//! An envelope is written in the order of its canonical form.
//!
//! The writer of that form puts an object in order where it is not, which for an envelope took a third of the writing. Surprising: the
//! order is one of names as they are written (`recordVersion` before `recordedAt`), and the part of a run stands among the others.

use super::Envelope;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The most fields; none of the formats that it is written in counts them.
const FIELDS: usize = 31;

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let run = self.run.as_ref();
        let mut object = serializer.serialize_struct("Envelope", FIELDS)?;
        object.serialize_field("action", &self.action)?;
        object.serialize_field("actor", &self.actor)?;
        object.serialize_field("decision", &self.decision)?;
        optional(&mut object, "decisionId", self.decision_id.as_ref())?;
        optional(&mut object, "emittedAt", run.map(|run| &run.emitted_at))?;
        optional(&mut object, "engineAttemptId", run.map(|run| &run.engine_attempt_id))?;
        object.serialize_field("entryId", &self.entry_id)?;
        object.serialize_field("environmentId", &self.environment_id)?;
        optional(&mut object, "eventId", run.map(|run| &run.event_id))?;
        optional(&mut object, "eventName", self.event_name.as_ref())?;
        object.serialize_field("eventType", &self.event_type)?;
        optional(&mut object, "idempotencyKey", run.map(|run| &run.idempotency_key))?;
        object.serialize_field("ledgerId", &self.ledger_id)?;
        optional(&mut object, "logicalAttemptId", run.map(|run| &run.logical_attempt_id))?;
        optional(&mut object, "payloads", Some(&self.payloads).filter(|some| !some.is_empty()))?;
        optional(&mut object, "planId", run.map(|run| &run.plan_id))?;
        optional(&mut object, "planVersion", run.map(|run| &run.plan_version))?;
        optional(&mut object, "policyDecisionId", self.policy_decision_id.as_ref())?;
        object.serialize_field("projectId", &self.project_id)?;
        optional(&mut object, "reasonCode", self.reason_code.as_ref())?;
        object.serialize_field("recordVersion", &self.record_version)?;
        object.serialize_field("recordedAt", &self.recorded_at)?;
        object.serialize_field("requestId", &self.request_id)?;
        object.serialize_field("resource", &self.resource)?;
        optional(&mut object, "route", self.route.as_ref())?;
        optional(&mut object, "runId", self.run_id.as_ref())?;
        optional(&mut object, "runSeq", run.map(|run| &run.run_seq))?;
        object.serialize_field("sourceModule", &self.source_module)?;
        optional(&mut object, "stepId", self.step_id.as_ref())?;
        object.serialize_field("tenantId", &self.tenant_id)?;
        optional(&mut object, "usage", self.usage.as_ref())?;
        object.end()
    }
}

fn optional<O: SerializeStruct, T: Serialize>(
    object: &mut O,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), O::Error> {
    match value {
        Some(value) => object.serialize_field(name, value),
        None => object.skip_field(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn least() -> Value {
        let id = |prefix: &str| format!("{prefix}_00000000-0000-4000-8000-000000000001");
        json!({
            "recordVersion": "1.0", "entryId": id("ent"), "ledgerId": id("led"), "tenantId": id("ten"), "projectId": id("prj"),
            "environmentId": id("env"), "recordedAt": "2026-01-31T09:00:00.000Z",
            "actor": { "id": id("prn"), "type": "user", "roles": ["operator"] }, "eventType": "STATE_MUTATION",
            "action": "ENGINE_ADVANCE", "resource": { "type": "run", "id": "x" }, "decision": "COMPLETED",
            "requestId": id("req"), "sourceModule": "engine",
        })
    }

    fn all() -> Value {
        let id = |prefix: &str| format!("{prefix}_00000000-0000-4000-8000-000000000001");
        let mut all = least();
        let more = json!({
            "eventName": "StepStarted", "reasonCode": "X", "route": "dvt run", "runId": id("run"), "stepId": "a",
            "eventId": id("evt"), "emittedAt": "2026-01-31T09:00:00.000Z", "planId": id("plan"), "planVersion": "1",
            "logicalAttemptId": 1, "engineAttemptId": 1, "idempotencyKey": "k", "runSeq": 1, "decisionId": id("dec"),
            "policyDecisionId": id("dec"), "usage": { "cpuMs": 1, "peakMemoryBytes": 2 },
            "payloads": [{ "class": "standard", "keyId": id("key"), "commit": crate::digest::Digest::of(b"") }],
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    }

    #[test]
    fn what_is_written_is_in_the_order_of_the_canonical_form_and_whole() {
        for (value, fields) in [(least(), FIELDS - 17), (all(), FIELDS)] {
            let envelope: Envelope = serde_json::from_value(value.clone()).unwrap();
            let written = serde_json::to_string(&envelope).unwrap();
            assert_eq!(written.as_bytes(), crate::canonical::to_bytes(&value).unwrap(), "{written}");
            assert_eq!(value.as_object().unwrap().len(), fields);
            assert_eq!(serde_json::from_str::<Envelope>(&written).unwrap(), envelope);
        }
    }
}
