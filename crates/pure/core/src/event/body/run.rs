//! Payloads of run events. What came later is optional, so that what was stored before still reads.

use crate::about::About;
use dvt_model::action::Role;
use dvt_model::digest::Digest;
use dvt_model::failure::Failure;
use dvt_model::id::{PrincipalId, RunId, SignalId, StepId};
use dvt_model::run::{PlanRef, Power};
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Not before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Timestamp>,
    /// The steps of a partial run; a need outside counts as met, its output is null. `finally` steps always belong to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<BTreeSet<StepId>>,
    /// The approval that the tenant puts before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_gate: Option<ApprovalGate>,
    /// The run that this one repeats or continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_run_id: Option<RunId>,
    /// The steps that are taken over from it, when the run starts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reuse: BTreeSet<StepId>,
    /// The run whose step this one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_run_id: Option<RunId>,
    /// How many runs are above it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u32,
    /// Who may not vote where an approval says `not: initiator`: the starter, and whom the starter acts for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub initiators: BTreeSet<PrincipalId>,
    /// Whose data the inputs are, where whoever began it said so: the parent of a sub-plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Whom the original run knew.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known: BTreeSet<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A leading approval that every step without needs waits for (the tenant's setting `runApproval`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalGate {
    /// The role that voters hold.
    pub role: Role,
    /// How many must approve.
    pub min: u32,
}

/// What starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// Somebody.
    Manual,
    /// A schedule.
    Schedule,
    /// A call from outside.
    Webhook,
    /// A program of somebody.
    Api,
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

/// Why a run pauses or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PauseCause {
    /// Somebody asked.
    Operator,
    /// The failed set, under `onStepFailure: hold`.
    StepFailed,
}

/// `RunPaused` and `RunResumed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Why.
    pub cause: PauseCause,
    /// The signal that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal_id: Option<SignalId>,
}

/// Why a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailingCause {
    /// A step without `continueOnError` is out of attempts.
    StepFailed,
    /// A run on hold was not looked after for 72 hours.
    HoldExpired,
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
    /// The run whose step it is ends it.
    Parent,
    /// A newer run of its group.
    Concurrency,
    /// It ends now, without the way out. Only RunCancelled says so.
    EmergencyStop,
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
    /// What went wrong on the way out: COMPENSATION_INCOMPLETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// `SignalReceived`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalReceived {
    /// The signal's id.
    pub signal_id: SignalId,
    /// What it is called.
    pub name: String,
    /// What it brings.
    pub payload: Value,
}

/// `RunCompleted`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunCompleted {
    /// The plan's outputs.
    pub outputs: BTreeMap<String, Value>,
    /// From RunStarted.
    pub duration_ms: u64,
    /// Of a sub-plan: whose data the outputs are, by name, for its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
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
    /// Of a sub-plan: whose data the failure may tell of, by name, for its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}
