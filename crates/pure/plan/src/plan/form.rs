//! The step forms: what a step does. Exactly one of them.

use crate::input::Schema;
use crate::plan::{Bounds, Plan};
use crate::template::{Template, TemplateValue};
use dvt_model::action::Role;
use dvt_model::digest::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

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
    /// `uses: name@version`, a plugin.
    Uses(PluginReference),
    /// `wait: 10m`, a durable timer.
    Wait {
        /// How long.
        duration_ms: u64,
    },
    /// `waitUntil: 2026-12-24T18:00:00Z`, a durable timer.
    WaitUntil {
        /// A timestamp (RFC 3339 with its offset): literal text, or an expression that gives one.
        at: TemplateValue,
    },
    /// `approval: {role, min, not}`, a human decision.
    Approval(Approval),
    /// `signal: name`, or with role and schema.
    Signal(Box<Signal>),
    /// `plan: name@version`, or `./load.yaml` while developing: a sub-plan, with its own run.
    Plan(Box<SubPlan>),
}

impl Form {
    /// Whether it starts a program of the plan.
    pub fn is_program(&self) -> bool {
        match self {
            Self::Run { .. } | Self::Script { .. } => true,
            Self::Noop { .. }
            | Self::Uses(_)
            | Self::Wait { .. }
            | Self::WaitUntil { .. }
            | Self::Approval(_)
            | Self::Signal(_)
            | Self::Plan(_) => false,
        }
    }

    /// The key that the document writes it with.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Script { .. } => "script",
            Self::Noop { .. } | Self::Uses(_) => "uses",
            Self::Wait { .. } => "wait",
            Self::WaitUntil { .. } => "waitUntil",
            Self::Approval(_) => "approval",
            Self::Signal(_) => "signal",
            Self::Plan(_) => "plan",
        }
    }
}

/// What an approval step asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The role that voters must hold.
    pub role: Role,
    /// Different principals that must approve, at least 1.
    pub min: u32,
    /// Whether the starter, and whom the starter acts for, may not vote.
    pub not_initiator: bool,
}

/// Which signal a step waits for.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Its name, of the shape of a step's id.
    pub name: String,
    /// The role that a sender must hold instead of operator.
    pub role: Option<Role>,
    /// What its payload must be; without one any payload fits.
    pub schema: Option<Schema>,
}

impl Signal {
    /// Whether a payload fits the schema of the step that waits; the error says what does not.
    pub fn fits(&self, payload: &serde_json::Value) -> Result<(), String> {
        self.schema.as_ref().map_or(Ok(()), |schema| schema.fits(payload))
    }
}

/// A sub-plan. Its inputs are the step's `with`, an object.
#[derive(Debug, Clone)]
pub struct SubPlan {
    /// How the document names it.
    pub reference: PlanReference,
    /// The digest of the child's canonical form, pinned into the parent's; `None` where it could not be found, and then
    /// there is a report.
    pub digest: Option<Digest>,
    /// The child, compiled.
    pub child: Option<Arc<Plan>>,
    /// The child's worst case.
    pub bounds: Option<Bounds>,
}

/// How a document names another plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanReference {
    /// `name@version`, a published plan of the same project.
    Published {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
    /// `./load.yaml`, relative to the folder of the document that names it, with `/` between its parts.
    Path(String),
}

impl fmt::Display for PlanReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { name, version } => write!(formatter, "{name}@{version}"),
            Self::Path(path) => formatter.write_str(path),
        }
    }
}

/// `name@version` of a plugin, where the version may be a prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PluginReference {
    /// `etl`, or `acme/etl`.
    pub name: String,
    /// `1`, `1.2` or `1.2.3`.
    pub version: String,
}

impl fmt::Display for PluginReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.name, self.version)
    }
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputMode {
    /// One JSON value written to `$DVT_OUTPUT`; nothing written is null.
    #[default]
    File,
    /// Standard output as one string.
    Text,
    /// Standard output as a list of lines.
    Lines,
    /// Standard output as one JSON value.
    Json,
}
