//! The compiled plan: what the core works on. Immutable; made by the checks alone.

use crate::expression::Expression;
use crate::template::{Template, TemplateValue};
use dvt_model::id::{PlanName, StepId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A checked plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: PlanName,
    /// For people.
    pub title: Option<String>,
    /// A semantic version, where it has one.
    pub version: Option<String>,
    /// Inputs by name; unknown inputs are refused.
    pub inputs: BTreeMap<String, crate::input::Input>,
    /// Constants.
    pub vars: BTreeMap<String, Value>,
    /// Globs of what is packed.
    pub files: Vec<String>,
    /// The run's longest time, default 24 h.
    pub max_duration_ms: u64,
    /// Steps at once, default 64.
    pub max_parallel: u32,
    /// Steps by id.
    pub steps: BTreeMap<StepId, Step>,
    /// The plan's outputs.
    pub outputs: BTreeMap<String, TemplateValue>,
    /// Dependency layer of each step: 0 without needs, else one more than its deepest need.
    pub layers: BTreeMap<StepId, u32>,
    /// Who needs a step (the reverse of `needs`).
    pub dependants: BTreeMap<StepId, Vec<StepId>>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// For people.
    pub title: Option<Template>,
    /// What it does.
    pub form: Form,
    /// Named needs and those that expressions imply.
    pub needs: BTreeSet<StepId>,
    /// `if`.
    pub condition: Option<Expression>,
    /// `with`: standard input of a program.
    pub with: Option<TemplateValue>,
    /// Environment.
    pub env: BTreeMap<String, TemplateValue>,
    /// The longest time of one attempt (for `wait`: None, its own time).
    pub timeout_ms: Option<u64>,
    /// Retry policy.
    pub retry: Retry,
    /// How the output is taken.
    pub output: OutputMode,
    /// A failure does not fail the run.
    pub continue_on_error: bool,
}

/// Exactly one of the step forms.
#[derive(Debug, Clone)]
pub enum Form {
    /// `run: [program, argument, …]`
    Run {
        /// A literal.
        program: String,
        /// Each one argument, never split.
        arguments: Vec<Template>,
    },
    /// `script: |`
    Script {
        /// The interpreter.
        shell: Shell,
        /// Literal text.
        text: String,
    },
    /// `uses: dvt/noop@1`, in process: succeeds after `simulate` with `with.output`.
    Noop {
        /// Pretended duration.
        simulate_ms: u64,
    },
    /// `wait: 10m`, a durable timer.
    Wait {
        /// How long.
        duration_ms: u64,
    },
}

/// Interpreters of `script`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// `bash -euo pipefail`, the default.
    Bash,
    /// `sh -eu`.
    Sh,
    /// `python3`.
    Python,
}

/// How a program's output is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputMode {
    /// One JSON value written to `$DVT_OUTPUT`; nothing written is null.
    File,
    /// Standard output as one string.
    Text,
    /// Standard output as a list of lines.
    Lines,
    /// Standard output as one JSON value.
    Json,
}

/// Retry policy (contract 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Retries after the first attempt, at most 20.
    pub max: u32,
    /// How the pause grows.
    pub backoff: Backoff,
    /// First pause.
    pub initial_ms: u64,
    /// Longest pause.
    pub ceiling_ms: u64,
    /// Whether the pause is drawn between 0 and itself by the idempotency key.
    pub full_jitter: bool,
    /// What is retried.
    pub on: Vec<RetryOn>,
}

/// Growth of the pause between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// Always `initial`.
    Constant,
    /// `initial` × n.
    Linear,
    /// `initial` × 2^(n-1).
    Exponential,
}

/// Failure classes of `retry.on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryOn {
    /// STEP_ERROR, SECRET_UNAVAILABLE, OOM: what contract 15 marks `p`, but TIMEOUT.
    Failure,
    /// TIMEOUT.
    Timeout,
    /// Retryable SYSTEM or PLATFORM, or exit 75.
    Transient,
    /// One of these exit statuses.
    Exit(Vec<i32>),
}

/// Worst-case bounds, shown before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Steps.
    pub steps: u64,
    /// Attempts of all steps together.
    pub attempts: u64,
    /// The most that can run at once.
    pub parallel: u64,
    /// The longest the run can take.
    pub duration_ms: u64,
}
