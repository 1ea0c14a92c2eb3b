//! The state of a run: what its events left behind, and nothing that they do not say.
//!
//! Phases of the way out are never stored, they are asked (`way_out`). Large values lie apart from the small facts of a
//! step, so that a decision can overlay the facts that it changes without copying outputs.

use crate::condition::Kind;
use crate::event::body::{CancelCause, FailingCause};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::failure::Failure;
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::run::{PlanRef, Power, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The state of one run: the fold of its events. Serializable, for snapshots.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    pub(crate) queued: Option<Queued>,
    pub(crate) run: Run,
    pub(crate) steps: BTreeMap<StepId, Step>,
    pub(crate) places: BTreeSet<Place>,
    pub(crate) outputs: BTreeMap<StepId, Value>,
    pub(crate) inputs: BTreeMap<StepId, Value>,
}

/// What RunQueued said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Queued {
    pub(crate) run_id: RunId,
    pub(crate) tenant_id: String,
    pub(crate) plan: PlanRef,
    pub(crate) inputs: BTreeMap<String, Value>,
    pub(crate) power: Power,
}

/// The small facts of the run; copied by every decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    pub(crate) status: Option<RunStatus>,
    /// How many events were folded: the `runSeq` of the last one.
    pub(crate) seq: u64,
    pub(crate) max_parallel: u32,
    pub(crate) max_duration_ms: u64,
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    /// Steps without a terminal state.
    pub(crate) open: u32,
    /// The same, of the two kinds of conditional steps.
    pub(crate) open_always: u32,
    pub(crate) open_failure: u32,
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    pub(crate) running: u32,
    /// Of those, the timers.
    pub(crate) timers: u32,
    /// Attempts, but timers, that began before the run was ending and still run.
    pub(crate) draining: u32,
    /// The event by which the run became ending.
    pub(crate) ending_seq: Option<u64>,
    pub(crate) failing: Option<Failing>,
    /// How many RunFailing there were.
    pub(crate) failings: u32,
    pub(crate) cancel: Option<Cancel>,
    /// Since when the attempts of the drain are being ended.
    pub(crate) stopping_since: Option<Timestamp>,
    /// The clock of `maxDuration`: what it has counted, and since when it runs.
    pub(crate) clock_ms: u64,
    pub(crate) clock_since: Option<Timestamp>,
    /// Canonical bytes of the outputs that are kept.
    pub(crate) kept_bytes: u64,
    #[serde(skip)]
    pub(crate) touches: Touches,
}

/// RunFailing, while it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failing {
    pub(crate) cause: FailingCause,
    pub(crate) failed_step_id: Option<StepId>,
}

/// RunCancelRequested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cancel {
    pub(crate) cause: CancelCause,
    pub(crate) signal_id: Option<SignalId>,
}

/// Counted operations on the ready set. No part of the state: a count is never a reason to differ.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touches(pub(crate) u64);

impl PartialEq for Touches {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// The small facts of a step and its newest attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) status: StepStatus,
    pub(crate) kind: Kind,
    pub(crate) logical: LogicalAttemptId,
    pub(crate) engine: EngineAttemptId,
    /// How many StepRedispatched of this step there were, over all attempts.
    pub(crate) redispatches: u32,
    /// Needs that may still come.
    pub(crate) missing: u32,
    /// Open expressions that name its output.
    pub(crate) readers: u32,
    /// The event with which the newest attempt began.
    pub(crate) started_seq: u64,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    /// When the step ends by itself.
    pub(crate) due_at: Option<Timestamp>,
    /// When the newest attempt may begin, where it is a retry.
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) error: Option<Failure>,
    /// The last attempt that a report ended: the same report again is no error.
    pub(crate) answered: Option<(LogicalAttemptId, EngineAttemptId)>,
    pub(crate) output_bytes: u64,
}

/// A place in one of the ordered sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) lane: Lane,
    /// The dependency layer, or the milliseconds of a moment.
    pub(crate) rank: i64,
    /// `None` is before all steps: the lower end of a rank.
    pub(crate) step: Option<StepId>,
}

/// The ordered sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Lane {
    /// Ready, and needs a worker; by layer.
    Ready,
    /// Ready, and the engine itself does it; by layer.
    ReadyInside,
    /// Another attempt waits for its time; by that time.
    Retry,
    /// Runs inside the engine until a time; by that time.
    Due,
    /// Runs; by layer.
    Running,
    /// Nothing stands here: the upper end of the lane before.
    End,
}

impl Lane {
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Ready => Self::ReadyInside,
            Self::ReadyInside => Self::Retry,
            Self::Retry => Self::Due,
            Self::Due => Self::Running,
            Self::Running | Self::End => Self::End,
        }
    }

    /// The place before all places of this lane.
    pub(crate) const fn start(self) -> Place {
        Place { lane: self, rank: i64::MIN, step: None }
    }
}

impl Place {
    pub(crate) fn of(lane: Lane, rank: i64, step: &StepId) -> Self {
        Self { lane, rank, step: Some(step.clone()) }
    }
}
