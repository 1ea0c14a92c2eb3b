//! The state of a run: what its events left behind, and nothing that they do not say.
//!
//! Phases of the way out are never stored, they are asked (`way_out`). Large values lie apart from the small facts of a
//! step, so that a decision can overlay the facts that it changes without copying outputs.

use crate::about::About;
use crate::condition::Kind;
use crate::event::body::{CancelCause, FailingCause, PauseCause, SignalReceived, SkipReason, Verdict};
use crate::lookup::Doing;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::failure::Failure;
use dvt_model::id::{PrincipalId, RunId, SignalId, StepId};
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
    /// Named signals that nobody took yet, by their number.
    pub(crate) signals: BTreeMap<u32, SignalReceived>,
    /// Everybody whose data the run has met: what is about several of them is about any of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) persons: BTreeSet<String>,
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
    pub(crate) start_at: Option<Timestamp>,
    pub(crate) original_run_id: Option<RunId>,
    pub(crate) reuse: BTreeSet<StepId>,
    pub(crate) parent_run_id: Option<RunId>,
    pub(crate) depth: u32,
    pub(crate) initiators: BTreeSet<PrincipalId>,
    /// Whose data the inputs are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<About>,
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
    /// Whether a step has started.
    pub(crate) has_begun: bool,
    /// Whether a step, item or compensation has completed, or a step was taken over.
    #[serde(default)]
    pub(crate) has_done: bool,
    /// Ordinary steps without a terminal state.
    pub(crate) open: u32,
    /// The same, of the two kinds of conditional steps.
    pub(crate) open_always: u32,
    pub(crate) open_failure: u32,
    /// The same, of `finally` steps.
    pub(crate) open_finally: u32,
    /// Steps of the plan by their end; items and compensations are not counted.
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    /// Steps in the failed set (contract 4.4).
    pub(crate) failed_set: u32,
    /// `finally` steps whose failure counts.
    #[serde(default)]
    pub(crate) failed_finally: u32,
    /// Attempts that run.
    pub(crate) running: u32,
    /// Of those, the steps whose items run.
    pub(crate) bases: u32,
    /// Of those, approvals, signals and timers.
    pub(crate) timers: u32,
    /// Of those, sub-plans.
    pub(crate) children: u32,
    /// Attempts that began before the run was ending, still run, and hold up its drain.
    pub(crate) draining: u32,
    /// The event by which the run became ending.
    pub(crate) ending_seq: Option<u64>,
    /// Whether the drain is over and what will never begin was taken out.
    pub(crate) is_swept: bool,
    pub(crate) failing: Option<Failing>,
    /// How many RunFailing there were.
    pub(crate) failings: u32,
    pub(crate) cancel: Option<Cancel>,
    /// How many RunPaused there were, and the pause that stands.
    pub(crate) pauses: u32,
    pub(crate) pause: Option<Paused>,
    /// How many SignalReceived there were.
    pub(crate) signals: u32,
    /// Of those, the ones that nobody took yet.
    pub(crate) kept_signals: u32,
    /// Steps and items that are to be compensated and have no terminal compensation.
    pub(crate) undo_left: u32,
    /// Since when the run is in phase 3 or 4 of its way out.
    pub(crate) undo_since: Option<Timestamp>,
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

/// RunPaused, while it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Paused {
    pub(crate) cause: PauseCause,
    pub(crate) since: Timestamp,
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
    /// Who is at work, while it runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) doing: Doing,
    pub(crate) logical: LogicalAttemptId,
    pub(crate) engine: EngineAttemptId,
    /// Of an item: the attempt of its step in which it last ran.
    pub(crate) of_base: LogicalAttemptId,
    /// How many StepRedispatched, StepRetryRequested and StepVoted of this step there were, over all attempts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) redispatches: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) retry_requests: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) voted: u32,
    /// Who voted what, in the newest attempt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) votes: BTreeMap<PrincipalId, Verdict>,
    /// Needs that may still come.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) missing: u32,
    /// Open expressions that name its output.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) readers: u32,
    /// Whether it has let go what it reads.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) has_released: bool,
    /// The event with which the newest attempt began.
    pub(crate) started_seq: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) completed_at: Option<Timestamp>,
    /// When the step ends by itself, or runs out of time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) due_at: Option<Timestamp>,
    /// When the newest attempt may begin, where it is a retry.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) retry_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) error: Option<Failure>,
    /// The event by which it came into the failed set; 0 outside.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) failed_seq: u64,
    /// Why it was left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) skipped: Option<SkipReason>,
    /// The last attempt that a report ended: the same report again is no error.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) answered: Option<(LogicalAttemptId, EngineAttemptId)>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) output_bytes: u64,
    /// The run of a sub-plan.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) child: Option<RunId>,
    /// Of a `foreach`: how far its items are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) items: Option<Items>,
    /// Of a step with `compensate`: what is to be undone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) undo: Option<Undo>,
    /// Whose personal data the newest attempt was given, and whose its output is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) about: Option<About>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) about_output: Option<About>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The items of a `foreach`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Items {
    pub(crate) count: u32,
    /// Items from here on have not begun in this attempt.
    pub(crate) next: u32,
    /// Items that run, or wait for their retry: they keep their place among `maxParallel`.
    pub(crate) busy: u32,
    pub(crate) max_parallel: Option<u32>,
    /// The first item that failed and counts.
    pub(crate) failed: Option<u32>,
    /// The digest of the list: a later attempt repeats over the same items, or not at all.
    #[serde(default)]
    pub(crate) list: Option<Digest>,
}

/// What is to be undone of a step: itself, or its items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Undo {
    /// The event of the newest success: the newest is undone first.
    pub(crate) seq: u64,
    /// What has not begun to be undone.
    pub(crate) waiting: u32,
    /// Compensations that run, or wait for their retry.
    pub(crate) busy: u32,
    pub(crate) max_parallel: Option<u32>,
}

/// A place in one of the ordered sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) lane: Lane,
    /// The dependency layer, the milliseconds of a moment, or a number of an event.
    pub(crate) rank: i64,
    /// The step of the plan. `None` is before all steps: the lower end of a rank.
    pub(crate) step: Option<StepId>,
    /// Which item, in the order of the list.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) index: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) is_compensation: bool,
}

/// The ordered sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Lane {
    /// Ready, and needs a worker; by layer.
    Ready,
    /// Ready, and the engine itself does it; by layer.
    ReadyInside,
    /// The same two, of `finally` steps.
    Finally,
    FinallyInside,
    /// Another attempt waits for its time; by that time.
    Retry,
    /// Runs inside the engine until a time; by that time.
    Due,
    /// Runs; by layer.
    Running,
    /// Waits for a named signal; by the event with which it began.
    Signal,
    /// In the failed set; by the event with which it failed.
    Failed,
    /// A `finally` step whose failure counts; by the event with which it failed.
    FailedFinally,
    /// To be undone; the newest success first.
    Undo,
    /// Items to be undone; by step and index.
    UndoItem,
    /// Nothing stands here: the upper end of the lane before.
    End,
}

impl Lane {
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Ready => Self::ReadyInside,
            Self::ReadyInside => Self::Finally,
            Self::Finally => Self::FinallyInside,
            Self::FinallyInside => Self::Retry,
            Self::Retry => Self::Due,
            Self::Due => Self::Running,
            Self::Running => Self::Signal,
            Self::Signal => Self::Failed,
            Self::Failed => Self::FailedFinally,
            Self::FailedFinally => Self::Undo,
            Self::Undo => Self::UndoItem,
            Self::UndoItem | Self::End => Self::End,
        }
    }

    /// The place before all places of this lane.
    pub(crate) const fn start(self) -> Place {
        Place { lane: self, rank: i64::MIN, step: None, index: None, is_compensation: false }
    }
}

impl Place {
    /// The place of a step, item or compensation.
    pub(crate) fn of(lane: Lane, rank: i64, id: &StepId) -> Self {
        // An id that was made from a step has that step's, which is an id.
        let step = if id.is_plain() { Some(id.clone()) } else { StepId::parse(id.step()).ok() };
        Self { lane, rank, step, index: id.index(), is_compensation: id.is_compensation() }
    }

    /// Whose place it is.
    pub(crate) fn id(&self) -> Option<StepId> {
        let step = self.step.as_ref()?;
        let id = self.index.map_or_else(|| step.clone(), |index| step.item(index));
        Some(if self.is_compensation { id.compensation() } else { id })
    }

    /// A number of an event as a rank.
    pub(crate) fn seq(number: u64) -> i64 {
        i64::try_from(number).unwrap_or(i64::MAX)
    }
}
