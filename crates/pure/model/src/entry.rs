//! The envelope of a ledger entry (contract 7.1): kept for years, no personal text, at most 4 KiB.
//!
//! A run event's envelope is the envelope of 5.2 without payload: `eventName` is its type, `recordedAt` its
//! `persistedAt`, `action` is `ENGINE_ADVANCE`. The ledger index is no part of it.

mod order;

use crate::action::{Action, Role, words};
use crate::attempt::{EngineAttemptId, LogicalAttemptId};
use crate::context::PrincipalType;
use crate::digest::Digest;
use crate::failure::Usage;
use crate::id::{
    DecisionId, EntryId, EnvironmentId, EventId, KeyId, LedgerId, PlanId, PrincipalId, ProjectId, RequestId,
    RunId, TenantId,
};
use crate::resource::ResourceRef;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest canonical envelope.
pub const MAX_ENVELOPE_BYTES: usize = 4 * 1024;

words! {
    /// What kind of fact an entry is (contract 7.1), as far as they are made today.
    EventType {
        /// A decision of access.
        AuthDecision = "AUTH_DECISION",
        /// A run event.
        StateMutation = "STATE_MUTATION",
        /// A signal was accepted or rejected.
        SignalSent = "SIGNAL_SENT",
        /// A decision record.
        DecisionRecorded = "DECISION_RECORDED",
        /// A key was made, rotated or destroyed.
        KeyEvent = "KEY_EVENT",
        /// Configuration, roles, quotas.
        ConfigChanged = "CONFIG_CHANGED",
        /// About the ledger itself.
        LedgerEvent = "LEDGER_EVENT",
        /// Something that must not happen.
        Incident = "INCIDENT",
    }
}

words! {
    /// How it ended.
    Outcome {
        /// Allowed.
        Granted = "GRANTED",
        /// Refused.
        Denied = "DENIED",
        /// Done.
        Completed = "COMPLETED",
        /// Not done, or done badly.
        Failed = "FAILED",
    }
}

words! {
    /// Which part of DVT made the entry.
    SourceModule {
        /// The command line.
        Cli = "cli",
        /// The engine.
        Engine = "engine",
        /// The store.
        Store = "store",
        /// The sealer.
        Sealer = "sealer",
    }
}

words! {
    /// Payload classes, which decide key and retention.
    PayloadClass {
        /// The default.
        Standard = "standard",
        /// About a person.
        Pii = "pii",
        /// About a person's health.
        Phi = "phi",
        /// Of the books: kept at least 7 years.
        Financial = "financial",
        /// Who took which secret: kept at least 7 years.
        SecretAccess = "secret-access",
        /// Reasons and tickets: kept at least 7 years.
        Compliance = "compliance",
    }
}

/// Who caused it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The principal.
    pub id: PrincipalId,
    /// Its roles at the time.
    pub roles: Vec<Role>,
    /// Its sort.
    #[serde(rename = "type")]
    pub actor_type: PrincipalType,
}

/// The commitment to a payload; the payload itself is sealed and can be erased.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayloadCommit {
    /// Its class.
    pub class: PayloadClass,
    /// `SHA-256(0x02 || payloadSalt || canonical(payload))`, as `sha256:<hex>`.
    pub commit: Digest,
    /// The key it is sealed under.
    pub key_id: KeyId,
}

/// The part of an envelope that only run events have (contract 5.2).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunPart {
    /// Drawn once per run and key.
    pub event_id: EventId,
    /// The producer's clock.
    pub emitted_at: Timestamp,
    /// The run's plan.
    pub plan_id: PlanId,
    /// Its version.
    pub plan_version: String,
    /// Slot 3 of the key.
    pub logical_attempt_id: LogicalAttemptId,
    /// The dispatch; 1 on events that have none.
    pub engine_attempt_id: EngineAttemptId,
    /// The idempotency key (5.3).
    pub idempotency_key: String,
    /// Rises by 1 within a run.
    pub run_seq: u64,
}

/// An envelope. Optional fields are absent, never null.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// `1.0`
    pub record_version: String,
    /// The entry's id.
    pub entry_id: EntryId,
    /// The ledger it stands in.
    pub ledger_id: LedgerId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The project.
    pub project_id: ProjectId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// When the store took it.
    pub recorded_at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What kind of fact.
    pub event_type: EventType,
    /// Which one of its kind; for a run event its name.
    #[serde(default)]
    pub event_name: Option<String>,
    /// The action of 8.3.
    pub action: Action,
    /// Upon what.
    pub resource: ResourceRef,
    /// How it ended.
    pub decision: Outcome,
    /// Why, by code.
    #[serde(default)]
    pub reason_code: Option<String>,
    /// The request behind it.
    pub request_id: RequestId,
    /// Which part of DVT made it.
    pub source_module: SourceModule,
    /// The route: for the command line its words.
    #[serde(default)]
    pub route: Option<String>,
    /// The run, where there is one.
    #[serde(default)]
    pub run_id: Option<RunId>,
    /// The step, on step events.
    #[serde(default)]
    pub step_id: Option<String>,
    /// The run event's part.
    #[serde(flatten, default)]
    pub run: Option<RunPart>,
    /// The decision, where there is one.
    #[serde(default)]
    pub decision_id: Option<DecisionId>,
    /// The policy evaluation, where there is one.
    #[serde(default)]
    pub policy_decision_id: Option<DecisionId>,
    /// At most two payloads.
    #[serde(default)]
    pub payloads: Vec<PayloadCommit>,
    /// What it used.
    #[serde(default)]
    pub usage: Option<Usage>,
}
