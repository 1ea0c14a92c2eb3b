//! Payloads of step events. What came later is optional, so that what was stored before still reads.

use crate::about::About;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{DecisionId, EventId, PrincipalId, RunId, SignalId, StepId};
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    /// When a step inside the engine ends by itself, or runs out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The run of a sub-plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_run_id: Option<RunId>,
    /// How many items a `foreach` has; they stand in `inputs.items`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_count: Option<u32>,
    /// Whose personal data it is given, and may print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Whose its output is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_about: Option<About>,
}

/// Why an attempt was given out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RedispatchCause {
    /// Its worker was lost while the engine went on.
    WorkerLost,
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
    /// The named signal that a `signal:` step took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_id: Option<SignalId>,
    /// Whose the output is, where only its end could say so: that of a sub-plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
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
    /// Whose data the step was given and its failure tells of, where only its end could say so: that of a sub-plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
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
    /// Somebody left it out; it counts as a success.
    OperatorSkip,
}

/// `StepSkipped`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepSkipped {
    /// Why.
    pub reason_code: SkipReason,
    /// The signal that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_id: Option<SignalId>,
}

/// `StepReused`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReused {
    /// The output, as the original run has it.
    pub result: Value,
    /// The run that made it.
    pub original_run_id: RunId,
    /// Its StepCompleted (or StepReused) there.
    pub original_event_id: EventId,
    /// The step's definition, which is the same in both plans.
    pub definition_digest: Digest,
}

/// `StepRetryRequested`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRetryRequested {
    /// The signal that asked.
    pub signal_id: SignalId,
    /// Whether a step that had not failed was to run again.
    pub force: bool,
    /// Outputs that the step reads and that the state had let go, as the ledger has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub restored: BTreeMap<StepId, Value>,
}

/// What somebody says to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No: one is enough.
    Rejected,
}

/// `StepVoted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepVoted {
    /// The attempt that it is about.
    pub logical_attempt_id: LogicalAttemptId,
    /// The decision record.
    pub decision_id: DecisionId,
    /// Who voted.
    pub principal_id: PrincipalId,
    /// What.
    pub outcome: Verdict,
}
