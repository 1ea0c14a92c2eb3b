//! Entries as the engine makes them: run events, and the decision, record and signal that caused them.
//!
//! The actor of a run event is the engine itself (`ENGINE_ADVANCE` is reserved to it, contract 8.3); who asked stands in
//! the AUTH_DECISION beside it, and both carry the id of that request. Nothing here is made twice: an entry's ids are
//! drawn where it is built.

use crate::pressure::Change;
use crate::{Grant, Problem, chance};
use dvt_core::event::Event;
use dvt_model::action::{Action, Role};
use dvt_model::code::Code;
use dvt_model::context::PrincipalType;
use dvt_model::decision::DecisionRecord;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, RunPart, SourceModule};
use dvt_model::failure::Usage;
use dvt_model::id::{DecisionId, LedgerId, PrincipalId, RequestId, RunId, SignalId};
use dvt_model::resource::ResourceRef;
use dvt_model::run::{EventName, PlanRef, RunMetadata};
use dvt_model::scope::ScopeIds;
use dvt_model::time::Timestamp;
use dvt_store::port::operation::EntryDraft;
use serde_json::{Value, json};

/// The engine as a principal: the same in every installation, bound to no member and never assignable.
pub(crate) fn system() -> Actor {
    Actor {
        id: PrincipalId::from_random(*b"dvt:engine:actor"),
        actor_type: PrincipalType::System,
        roles: vec![Role::System],
    }
}

/// How the ledger names a run.
pub(crate) fn run_reference(run: RunId) -> ResourceRef {
    ResourceRef { resource_type: "run".to_owned(), id: run.to_string() }
}

/// Where and when entries are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) ledger: LedgerId,
    pub(crate) scope: ScopeIds,
    pub(crate) now: Timestamp,
    pub(crate) run: Option<RunId>,
}

/// The entry of a run event.
pub(crate) fn of_event(
    place: Place,
    metadata: &RunMetadata,
    request_id: RequestId,
    run_seq: u64,
    (event, class): (Event, PayloadClass),
) -> Result<EntryDraft, Problem> {
    let idempotency_key = dvt_core::event::idempotency_key(&event, metadata.run_id, &metadata.plan)
        .map_err(|error| Problem::new(Code::ContractViolation, error.to_string()))?;
    let usage =
        event.payload.get("usage").and_then(|usage| serde_json::from_value::<Usage>(usage.clone()).ok());
    let failed = matches!(event.name, EventName::RunFailing | EventName::RunFailed | EventName::StepFailed);
    let (entry_id, event_id) = chance::entry_and_event();
    let envelope = Envelope {
        record_version: "1.0".to_owned(),
        entry_id,
        ledger_id: place.ledger,
        tenant_id: metadata.scope.tenant_id,
        project_id: metadata.scope.project_id,
        environment_id: metadata.scope.environment_id,
        recorded_at: place.now,
        actor: system(),
        event_type: EventType::StateMutation,
        event_name: Some(event.name.as_str().to_owned()),
        action: Action::EngineAdvance,
        resource: run_reference(metadata.run_id),
        decision: if failed { Outcome::Failed } else { Outcome::Completed },
        reason_code: reason_of(&event.payload),
        request_id,
        source_module: SourceModule::Engine,
        route: None,
        run_id: Some(metadata.run_id),
        step_id: event.step_id.as_ref().map(|step| step.as_str().to_owned()),
        run: Some(RunPart {
            event_id,
            emitted_at: event.at,
            plan_id: metadata.plan.plan_id,
            plan_version: metadata.plan.plan_version.clone(),
            logical_attempt_id: event.slot,
            engine_attempt_id: event.engine_attempt_id,
            idempotency_key,
            run_seq,
        }),
        decision_id: None,
        policy_decision_id: None,
        payloads: Vec::new(),
        usage,
    };
    Ok(EntryDraft { envelope, payload: Some((class, event.payload)) })
}

/// A failure's code may stand in the envelope: it is one of ours and says nothing about a person.
fn reason_of(payload: &Value) -> Option<String> {
    let text = payload.pointer("/failure/errorCode").or_else(|| payload.get("reasonCode"))?.as_str()?;
    Some(text.to_owned())
}

fn of_act(place: Place, grant: &Grant, event_type: EventType, decision: Outcome) -> Envelope {
    let principal = grant.context.principal();
    Envelope {
        record_version: "1.0".to_owned(),
        entry_id: chance::entry(),
        ledger_id: place.ledger,
        tenant_id: place.scope.tenant_id,
        project_id: place.scope.project_id,
        environment_id: place.scope.environment_id,
        recorded_at: place.now,
        actor: Actor {
            id: principal.id,
            actor_type: principal.principal_type,
            roles: principal.roles.clone(),
        },
        event_type,
        event_name: None,
        action: grant.action,
        resource: grant.resource.clone(),
        decision,
        reason_code: None,
        request_id: grant.context.request_id(),
        source_module: SourceModule::Engine,
        route: None,
        run_id: place.run,
        step_id: None,
        run: None,
        decision_id: Some(grant.decision_id),
        policy_decision_id: Some(grant.policy_decision_id),
        payloads: Vec::new(),
        usage: None,
    }
}

/// The AUTH_DECISION of a granted mutation; `operation` is the name of contract 4.1.
// INVARIANT(INV-07): it stands in the block of the deed, so there is neither without the other.
pub(crate) fn of_decision(place: Place, grant: &Grant, operation: &str) -> EntryDraft {
    let mut envelope = of_act(place, grant, EventType::AuthDecision, Outcome::Granted);
    envelope.route = Some(operation.to_owned());
    EntryDraft { envelope, payload: None }
}

/// The same where nothing came of it, with the code by which the deed was refused.
pub(crate) fn of_vain_decision(place: Place, grant: &Grant, operation: &str, refused: Code) -> EntryDraft {
    let mut draft = of_decision(place, grant, operation);
    draft.envelope.reason_code = Some(refused.as_str().to_owned());
    draft
}

/// The CONFIG_CHANGED of a plan that was published: which one, by its digest. Its name and version lie in the payload.
pub(crate) fn of_publication(place: Place, grant: &Grant, name: &str, plan: &PlanRef) -> EntryDraft {
    let mut envelope = of_act(place, grant, EventType::ConfigChanged, Outcome::Completed);
    envelope.event_name = Some("PlanPublished".to_owned());
    envelope.resource = ResourceRef { resource_type: "plan".to_owned(), id: plan.plan_id.to_string() };
    let payload = json!({ "planName": name, "planVersion": plan.plan_version, "digest": plan.digest });
    EntryDraft { envelope, payload: Some((PayloadClass::Compliance, payload)) }
}

/// The DECISION_RECORDED of an act that needs a reason; text and ticket lie in the payload.
// INVARIANT(INV-15): a `DecisionRecord` is complete by its type, and its entry stands in the block of the act.
pub(crate) fn of_record(place: Place, grant: &Grant, record: &DecisionRecord) -> Result<EntryDraft, Problem> {
    let mut envelope = of_act(place, grant, EventType::DecisionRecorded, Outcome::Completed);
    envelope.event_name = Some(record.operation().as_str().to_owned());
    envelope.decision_id = Some(record.decision_id());
    let payload = serde_json::to_value(record)
        .map_err(|error| Problem::new(Code::Internal, format!("a record cannot be written: {error}")))?;
    Ok(EntryDraft { envelope, payload: Some((PayloadClass::Compliance, payload)) })
}

/// A change of a setting, with what it is from now on.
pub(crate) fn of_setting(place: Place, grant: &Grant, name: &str, value: &Value) -> EntryDraft {
    let mut envelope = of_act(place, grant, EventType::ConfigChanged, Outcome::Completed);
    envelope.event_name = Some("SettingChanged".to_owned());
    let payload = json!({ "setting": name, "value": value });
    EntryDraft { envelope, payload: Some((PayloadClass::Compliance, payload)) }
}

/// The same of a vote: it names the plan, and what the plan has put before whoever votes (contract 9, approval steps).
pub(crate) fn of_vote(
    place: Place,
    grant: &Grant,
    record: &DecisionRecord,
    (plan, shown): (&PlanRef, &str),
) -> Result<EntryDraft, Problem> {
    let mut entry = of_record(place, grant, record)?;
    if let Some((_, Value::Object(payload))) = &mut entry.payload {
        payload.insert("planDigest".to_owned(), json!(plan.digest));
        payload.insert("shownHmac".to_owned(), json!(shown));
    }
    Ok(entry)
}

/// A degraded mode that was entered or left: an incident, by the engine itself.
pub(crate) fn of_mode(place: Place, change: Change) -> EntryDraft {
    let Change { mode, entered } = change;
    let envelope = Envelope {
        record_version: "1.0".to_owned(),
        entry_id: chance::entry(),
        ledger_id: place.ledger,
        tenant_id: place.scope.tenant_id,
        project_id: place.scope.project_id,
        environment_id: place.scope.environment_id,
        recorded_at: place.now,
        actor: system(),
        event_type: EventType::Incident,
        event_name: Some(if entered { "DegradedModeEntered" } else { "DegradedModeLeft" }.to_owned()),
        action: Action::EngineAdvance,
        resource: ResourceRef { resource_type: "mode".to_owned(), id: mode.as_str().to_owned() },
        decision: if entered { Outcome::Failed } else { Outcome::Completed },
        reason_code: Some(mode.as_str().to_owned()),
        request_id: chance::request(),
        source_module: SourceModule::Engine,
        route: None,
        run_id: place.run,
        step_id: None,
        run: None,
        decision_id: None,
        policy_decision_id: None,
        payloads: Vec::new(),
        usage: None,
    };
    EntryDraft { envelope, payload: None }
}

/// What became of a signal.
#[derive(Debug, Clone)]
pub(crate) struct SignalVerdict<'a> {
    pub(crate) signal_id: &'a SignalId,
    pub(crate) signal_type: &'a str,
    pub(crate) payload: Value,
    pub(crate) decision_id: DecisionId,
    pub(crate) refused: Option<Code>,
}

/// The SIGNAL_SENT of a signal, accepted or rejected.
pub(crate) fn of_signal(place: Place, grant: &Grant, verdict: SignalVerdict<'_>) -> EntryDraft {
    let (name, outcome, word) = match verdict.refused {
        None => ("SignalAccepted", Outcome::Granted, "ACCEPTED"),
        Some(_) => ("SignalRejected", Outcome::Denied, "REJECTED"),
    };
    let mut envelope = of_act(place, grant, EventType::SignalSent, outcome);
    envelope.event_name = Some(name.to_owned());
    envelope.reason_code = verdict.refused.map(|code| code.as_str().to_owned());
    envelope.decision_id = Some(verdict.decision_id);
    let mut payload = json!({
        "signalDecisionId": verdict.decision_id,
        "signalId": verdict.signal_id,
        "signalType": verdict.signal_type,
        "signalPayload": verdict.payload,
        "decision": word,
    });
    if let (Some(code), Some(fields)) = (verdict.refused, payload.as_object_mut()) {
        fields.insert("reason".to_owned(), json!(code));
    }
    EntryDraft { envelope, payload: Some((PayloadClass::Compliance, payload)) }
}
