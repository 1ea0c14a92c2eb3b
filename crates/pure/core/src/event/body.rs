//! Payloads of the event catalogue (contract 5.1), typed. On an event they stand as canonical JSON; the fold reads them
//! back through these types, whether the event is a minute or a year old.

use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::run::{PlanRef, Power};
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of the defaults and of the behaviour under them (contract 5.8).
pub const SEMANTICS_VERSION: &str = "1.0";

/// `RunQueued`. Run and tenant stand in it too, so that the fold needs nothing but events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunQueued {
    /// The run.
    pub run_id: RunId,
    /// Key form of the tenant's id.
    pub tenant_id: String,
    /// The plan that it follows to its end.
    pub plan_ref: PlanRef,
    /// The same plan's digest.
    pub plan_digest: Digest,
    /// The packed files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_digest: Option<Digest>,
    /// Plugins by name; none before there are plugins.
    pub plugin_digests: BTreeMap<String, Digest>,
    /// See [`SEMANTICS_VERSION`].
    pub semantics_version: String,
    /// Checked inputs.
    pub inputs: BTreeMap<String, Value>,
    /// The worst case.
    pub bounds: Value,
    /// What it may do.
    pub power: Power,
    /// What started it.
    pub trigger: Trigger,
}

/// What starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// Somebody.
    Manual,
}

/// The one provider there is; a second one will bring its name with `Start`. It is no part of what makes events equal.
pub const PROVIDER: &str = "embedded";

/// `RunStarted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStarted {
    /// What runs it.
    pub provider: String,
}

/// Why a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailingCause {
    /// A step without `continueOnError` is out of attempts.
    StepFailed,
    /// `maxDuration` passed.
    RunTimeout,
}

/// `RunFailing`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFailing {
    /// Why.
    pub cause: FailingCause,
    /// The first step in the failed set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_step_id: Option<StepId>,
}

/// Why a run is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelCause {
    /// Somebody asked.
    Cancel,
}

/// `RunCancelRequested`, and `RunCancelled` which repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// Why.
    pub cause: CancelCause,
    /// The signal that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_id: Option<SignalId>,
}

/// `RunCompleted`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunCompleted {
    /// The plan's outputs.
    pub outputs: BTreeMap<String, Value>,
    /// From RunStarted.
    pub duration_ms: u64,
}

/// `RunFailed`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunFailed {
    /// Why.
    pub failure: Failure,
    /// The step whose failure it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_step_id: Option<StepId>,
}

/// `StepStarted`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepStarted {
    /// Arguments, `with` and `env` with their expressions resolved; null where resolving failed.
    pub inputs: Value,
    /// The packed files that the program sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_digest: Option<Digest>,
    /// The wall around a program; absent on steps inside the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The longest time of this attempt.
    pub timeout_ms: u64,
    /// When a step inside the engine ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// Why an attempt was given out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RedispatchCause {
    /// The engine came back, and its workers had died with it.
    EngineRestart,
}

/// `StepRedispatched`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRedispatched {
    /// The attempt, unchanged.
    pub logical_attempt_id: LogicalAttemptId,
    /// Its new dispatch.
    pub engine_attempt_id: EngineAttemptId,
    /// Why.
    pub cause: RedispatchCause,
}

/// `StepCompleted`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepCompleted {
    /// The output.
    pub result: Value,
    /// From StepStarted.
    pub duration_ms: u64,
    /// What it used.
    pub usage: Usage,
    /// Pointers to what it made; none yet.
    pub artifact_refs: Vec<Value>,
}

/// `StepFailed`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepFailed {
    /// Why.
    pub failure: Failure,
    /// What it used.
    pub usage: Usage,
    /// When the next attempt is due, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// Why a step is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SkipReason {
    /// A need failed (only among `finally` steps; kept for the table's sake).
    DependencyFailed,
    /// A need was left out.
    DependencySkipped,
    /// Its `if` was false.
    ConditionFalse,
}

/// `StepSkipped`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepSkipped {
    /// Why.
    pub reason_code: SkipReason,
}
