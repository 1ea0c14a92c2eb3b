//! Commands: all that can be asked of a run.

use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{RunId, SignalId, StepId};
use dvt_model::run::{PlanRef, Power};
use dvt_model::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

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
pub enum Command {
    /// Admit: RunQueued.
    Start(Start),
    /// A worker has room for this many steps: RunStarted where due, then ready steps start.
    Offer {
        /// Free slots.
        slots: u32,
    },
    /// A step's attempt ended.
    Report(Report),
    /// Time went by.
    Due,
    /// Somebody asks for something.
    Signal(Signal),
    /// The engine came back: what was running is given out again.
    Recover,
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

/// A signal that passed shape, policy and decision record.
#[derive(Debug, Clone)]
pub enum Signal {
    /// Cancel the run.
    Cancel {
        /// The signal's id.
        signal_id: SignalId,
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
