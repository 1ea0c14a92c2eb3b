//! Commands: all that can be asked of a run.

use crate::about::About;
use crate::event::body::{ApprovalGate, Trigger, Verdict};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{DecisionId, EventId, PrincipalId, RunId, SignalId, StepId};
use dvt_model::run::{PlanRef, Power};
use dvt_model::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A command with the moment and the chance that came with it.
#[derive(Debug, Clone)]
pub struct Input {
    /// The engine's clock.
    pub now: Timestamp,
    /// The n-th id that the core needs is made from SHA-256(entropy || u32be(n)) (contract 5.8).
    pub entropy: [u8; 32],
    /// What is asked.
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a command is made once, asked once and dropped")]
pub enum Command {
    /// Admit: RunQueued.
    Start(Start),
    /// A worker has room for this many steps: RunStarted where due, then ready steps start.
    Offer {
        /// Free slots.
        slots: u32,
    },
    /// The results of the steps that the run takes over, all of them: RunStarted, then StepReused. Until it comes, an
    /// `Offer` to such a run does nothing.
    Reuse(Vec<Reused>),
    /// A step's attempt ended.
    Report(Report),
    /// The run of a sub-plan ended.
    ChildEnded(ChildEnded),
    /// Somebody voted on an approval, with a decision record.
    Vote(Vote),
    /// A worker that had attempts of this run is lost, and the engine is not.
    WorkerLost {
        /// What it ran, by step, attempt and dispatch.
        lost: Vec<(StepId, LogicalAttemptId, EngineAttemptId)>,
    },
    /// Time went by.
    Due,
    /// Somebody asks for something.
    Signal(Signal),
    /// The engine came back: what was running is given out again.
    Recover,
    /// Another run ends this one; it goes its way out.
    Cancel {
        /// Who asks.
        cause: OtherRun,
    },
    /// It waited in the queue for longer than it may (contract 5.7).
    QueueExpired,
    /// The plan cannot be trusted, or the run cannot be begun; only while no step has completed.
    Abort(Failure),
}

/// Another run that ends this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherRun {
    /// The run whose step it is.
    Parent,
    /// A newer one of its concurrency group.
    Concurrency,
}

/// A step taken over from the original run.
#[derive(Debug, Clone, PartialEq)]
pub struct Reused {
    /// The step.
    pub step_id: StepId,
    /// Its StepCompleted or StepReused in the original run.
    pub original_event_id: EventId,
    /// Its definition there.
    pub definition_digest: Digest,
    /// Its output there.
    pub result: Value,
}

/// The end of a child's run.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnded {
    /// The parent's step.
    pub step_id: StepId,
    /// The child's run.
    pub child_run_id: RunId,
    /// How it ended.
    pub outcome: ChildOutcome,
    /// Whose data its outputs or its failure are, as its last event says.
    pub about: Option<About>,
}

/// How a child's run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildOutcome {
    /// RunCompleted, with its outputs.
    Completed(BTreeMap<String, Value>),
    /// RunFailed.
    Failed(Failure),
    /// RunCancelled.
    Cancelled,
}

/// A vote. That the voter holds the named role and may vote at all was asked before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The approval.
    pub step_id: StepId,
    /// The decision record.
    pub decision_id: DecisionId,
    /// Who.
    pub principal_id: PrincipalId,
    /// What.
    pub outcome: Verdict,
}

/// What a run starts with.
#[derive(Debug, Clone)]
pub struct Start {
    /// The run's id, minted at admission.
    pub run_id: RunId,
    /// Key form of the tenant's id, for `tenant.id`.
    pub tenant_id: String,
    /// The plan it follows.
    pub plan: PlanRef,
    /// Inputs with defaults filled in, checked against the plan's schemas.
    pub inputs: BTreeMap<String, Value>,
    /// What it may do.
    pub power: Power,
    /// The worst case, as shown.
    pub bounds: Value,
    /// What started it.
    pub trigger: Trigger,
    /// Not before this moment.
    pub start_at: Option<Timestamp>,
    /// The steps of a partial run, where it is one.
    pub selection: Option<BTreeSet<StepId>>,
    /// The approval before it; the plan must then be [`crate::gated`].
    pub approval_gate: Option<ApprovalGate>,
    /// The run that it repeats or continues.
    pub original_run_id: Option<RunId>,
    /// The steps that it takes over from there; only with `original_run_id`.
    pub reuse: BTreeSet<StepId>,
    /// The run whose step it is.
    pub parent_run_id: Option<RunId>,
    /// How many runs are above it, at most 8.
    pub depth: u32,
    /// Who may not vote under `not: initiator`.
    pub initiators: BTreeSet<PrincipalId>,
    /// Whose data the inputs are, by name: those of a sub-plan are about whom its parent's step was given.
    pub about: Option<About>,
    /// Whom the original run knows: what is taken over from it may be about each of them.
    pub known: BTreeSet<String>,
}

impl Start {
    /// A start that asks for nothing special.
    pub fn plain(run_id: RunId, tenant_id: String, plan: PlanRef, power: Power) -> Self {
        Self {
            run_id,
            tenant_id,
            plan,
            inputs: BTreeMap::new(),
            power,
            bounds: Value::Null,
            trigger: Trigger::Manual,
            start_at: None,
            selection: None,
            approval_gate: None,
            original_run_id: None,
            reuse: BTreeSet::new(),
            parent_run_id: None,
            depth: 0,
            initiators: BTreeSet::new(),
            about: None,
            known: BTreeSet::new(),
        }
    }
}

/// The end of an attempt, as the worker tells it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The step.
    pub step_id: StepId,
    /// Its logical attempt.
    pub logical_attempt_id: LogicalAttemptId,
    /// Its dispatch; an older one is refused.
    pub engine_attempt_id: EngineAttemptId,
    /// How it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// With this output.
    Completed(Value),
    /// With this failure.
    Failed(Failure),
}

/// A signal that passed shape, policy and decision record; the state is still asked. (RETRY_RUN is a `Start` with
/// `original_run_id`; what it takes over is [`crate::State::reusable`]'s to say.)
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// PAUSE: no new step.
    Pause {
        /// The signal's id.
        signal_id: SignalId,
    },
    /// RESUME: goes on after a pause.
    Resume {
        /// The signal's id.
        signal_id: SignalId,
    },
    /// CANCEL: the way out.
    Cancel {
        /// The signal's id.
        signal_id: SignalId,
    },
    /// RETRY_STEP: another attempt of a failed step.
    RetryStep {
        /// The signal's id.
        signal_id: SignalId,
        /// The step.
        step_id: StepId,
        /// Also of a step that succeeded or was left out.
        force: bool,
        /// Outputs that the state has let go and the step reads: all of [`crate::State::forgotten_by`].
        restored: BTreeMap<StepId, Value>,
    },
    /// SKIP_STEP: the step is left out and counts as a success.
    SkipStep {
        /// The signal's id.
        signal_id: SignalId,
        /// The step.
        step_id: StepId,
    },
    /// SEND: a named signal.
    Send {
        /// The signal's id.
        signal_id: SignalId,
        /// Its name.
        name: String,
        /// What it brings.
        payload: Value,
    },
    /// EMERGENCY_STOP: cancelled now.
    EmergencyStop {
        /// The signal's id.
        signal_id: SignalId,
        /// Without the grace.
        force_kill: bool,
    },
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// For people.
    pub message: String,
}
