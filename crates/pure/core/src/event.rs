//! Events: what happened, as the core says it. The engine adds the envelope.

pub mod body;
mod key;

pub use key::idempotency_key;
pub(crate) use key::token;

use crate::about::About;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::{PrincipalId, RunId, StepId};
use dvt_model::run::{EventName, Power};
use dvt_model::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One event: the parts of the envelope that the core owns, and the payload (canonical JSON, by contract 5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: EventName,
    /// The step; none on run events.
    pub step_id: Option<StepId>,
    /// Slot 3 of the idempotency key.
    pub slot: LogicalAttemptId,
    /// The dispatch; 1 where there is none.
    pub engine_attempt_id: EngineAttemptId,
    /// The command's `now` (`emittedAt`).
    pub at: Timestamp,
    /// The payload.
    pub payload: Value,
}

/// What the engine does once the events are durable.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give this attempt to the worker.
    Dispatch(Dispatch),
    /// End this attempt: terminate, grace, kill.
    Stop {
        /// The step.
        step_id: StepId,
        /// Its attempt.
        logical_attempt_id: LogicalAttemptId,
        /// Its dispatch.
        engine_attempt_id: EngineAttemptId,
        /// Grace between terminate and kill; 0 kills at once.
        grace_ms: u64,
    },
    /// Admit the run of a sub-plan, under its parent's slot. Once is enough: the same run id again is no second run.
    StartChild(StartChild),
    /// Ask the child's run to cancel, with cause PARENT.
    CancelChild {
        /// The step whose run it is.
        step_id: StepId,
        /// The child's run.
        child_run_id: RunId,
    },
    /// End the child's run now, without its way out.
    StopChild {
        /// The step whose run it is.
        step_id: StepId,
        /// The child's run.
        child_run_id: RunId,
        /// Without the grace.
        force_kill: bool,
    },
}

/// The run of a sub-plan, to be admitted. When it has ended its parent is told by `Command::ChildEnded`.
#[derive(Debug, Clone, PartialEq)]
pub struct StartChild {
    /// The parent's step.
    pub step_id: StepId,
    /// The attempt whose run it is.
    pub logical_attempt_id: LogicalAttemptId,
    /// The child's run, minted by the parent.
    pub child_run_id: RunId,
    /// The parent's run.
    pub parent_run_id: RunId,
    /// How many runs are above it.
    pub depth: u32,
    /// The child's inputs: the step's `with`.
    pub inputs: BTreeMap<String, Value>,
    /// What the child may do: what its parent may, and nothing more.
    pub power: Power,
    /// Who may not vote in it either.
    pub initiators: BTreeSet<PrincipalId>,
    /// Whose data its inputs are; of several, everybody whom the parent knows, by name.
    pub about: Option<About>,
}

/// An attempt to be given out: everything a worker needs but the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// The step.
    pub step_id: StepId,
    /// Its attempt.
    pub logical_attempt_id: LogicalAttemptId,
    /// Its dispatch.
    pub engine_attempt_id: EngineAttemptId,
    /// The idempotency key of its StepStarted: the token.
    pub token: String,
    /// The longest time of this attempt.
    pub timeout_ms: u64,
    /// Program and arguments, expressions resolved.
    pub program: Program,
    /// Standard input: the JSON of `with`, or null.
    pub with: Value,
    /// Environment of the plan, resolved; strings as they are, other values as canonical JSON.
    pub env: Vec<(String, String)>,
    /// How the output is taken.
    pub output: dvt_plan::plan::OutputMode,
}

/// What is executed.
#[derive(Debug, Clone, PartialEq)]
pub enum Program {
    /// A program and its arguments.
    Run(Vec<String>),
    /// A script and its interpreter.
    Script {
        /// The interpreter.
        shell: dvt_plan::plan::Shell,
        /// The text.
        text: String,
    },
    /// A plugin, which is given `with`.
    Plugin(dvt_plan::plan::PluginReference),
}

/// An event that the table refuses (contract 5.6).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{attempted}` is not possible: expected {expected}, found {actual}")]
pub struct InvalidTransition {
    /// The event.
    pub attempted: String,
    /// The states in which it would be.
    pub expected: String,
    /// The state it met.
    pub actual: String,
}
