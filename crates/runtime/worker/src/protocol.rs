//! What engine and worker say to each other (contract 4.9).
//!
//! Data only: the engine turns the core's effects into these and these into the core's commands. A body (bundle chunk, log
//! lines) travels beside its header and is limited on its own. `Ack` of a report lets the worker forget it; until then a
//! dispatch of the same key is answered with the same report. Of each step [`LOG_ROOM`] log messages may be on their way; who
//! keeps them slowly slows this step and no other one.

use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::digest::Digest;
use dvt_model::failure::{Failure, Usage};
use dvt_model::id::{RunId, StepId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of this link; both ends come from one executable, so any other is an error.
pub const VERSION: u32 = 2;
/// The longest header: a dispatch with all its values, or a report with its output.
pub const MAX_HEADER_BYTES: usize = 16 << 20;
/// The longest body.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// Pause between two heartbeats.
pub const HEARTBEAT_MS: u64 = 10_000;
/// What a step may log by default (contract 11.2).
pub const DEFAULT_LOG_BUDGET_BYTES: u64 = 10 << 20;
/// Log messages of a step that may be on their way.
pub const LOG_ROOM: u32 = 16;
/// Steps at once.
pub const CAPACITY: u32 = 64;

/// One dispatch of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_id: StepId,
    /// Its attempt.
    pub logical_attempt_id: LogicalAttemptId,
    /// Its dispatch.
    pub engine_attempt_id: EngineAttemptId,
}

/// Engine to worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ToWorker {
    /// The first message.
    Welcome {
        /// [`VERSION`] of the engine.
        version: u32,
    },
    /// A part of a packed `files` bundle, in order; must be whole before a dispatch names its digest.
    Bundle {
        /// Its digest.
        digest: Digest,
        /// Whether this is the last part.
        done: bool,
        /// The part, at most [`MAX_BODY_BYTES`].
        #[serde(skip)]
        body: Vec<u8>,
    },
    /// No dispatch names this bundle any more before it comes again. Whoever runs with it keeps it until its end.
    Forget {
        /// Its digest.
        digest: Digest,
    },
    /// Run this. Ignored while the same key runs.
    Dispatch(Box<Dispatch>),
    /// End this: terminate, grace, kill. Ignored where it does not run.
    Stop {
        /// Which.
        key: Key,
        /// Time between terminate and kill; 0 kills at once.
        grace_ms: u64,
    },
    /// The report of this key is durable.
    Ack {
        /// Which.
        key: Key,
    },
    /// So many log messages of this key are dealt with: it may send as many more.
    Kept {
        /// Whose.
        key: Key,
        /// How many.
        messages: u32,
    },
    /// End: kill everything, then exit. The same as closing the socket.
    Shutdown,
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dispatch {
    /// Which.
    pub key: Key,
    /// The idempotency key of its StepStarted: the token.
    pub token: String,
    /// Its longest time, counted from its start.
    pub timeout_ms: u64,
    /// What is executed.
    pub program: Program,
    /// Standard input; null is an empty one.
    pub with: Value,
    /// Environment of the plan.
    pub env: Vec<(String, String)>,
    /// How the output is taken.
    pub output: OutputMode,
    /// The owner's word for the `host` tier, as recorded when the run was queued.
    pub host_allowed: bool,
    /// Its files, where the plan has any.
    pub files_digest: Option<Digest>,
    /// What it may write to its log streams.
    pub log_budget_bytes: u64,
}

/// What is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Program {
    /// A program and its arguments.
    Run(Vec<String>),
    /// A script and its interpreter.
    Script {
        /// The interpreter.
        shell: Shell,
        /// The text.
        text: String,
    },
}

/// Interpreters of `script`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// `bash -euo pipefail`
    Bash,
    /// `sh -eu`
    Sh,
    /// `python3`
    Python,
}

/// How a program's output is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputMode {
    /// One JSON value written to `$DVT_OUTPUT`; nothing written is null.
    File,
    /// Standard output as one string, without its last line ends.
    Text,
    /// Standard output as a list of lines.
    Lines,
    /// Standard output as one JSON value.
    Json,
}

/// Worker to engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum FromWorker {
    /// Ready: no step of an earlier worker of this installation is alive any more.
    Hello {
        /// Its name.
        worker_id: String,
        /// The tiers it can offer.
        tiers: Vec<String>,
        /// Steps at once.
        capacity: u32,
    },
    /// A step's program runs. Comes before its report, but may come after its first lines.
    Started {
        /// Which.
        key: Key,
        /// Its process.
        pid: u32,
    },
    /// Still there.
    Heartbeat {
        /// What runs.
        running: Vec<Key>,
    },
    /// These files did not come, or could not be unpacked: a step that needs them has failed. Comes before its report.
    Lacks {
        /// Their digest.
        digest: Digest,
    },
    /// A step has ended and nothing of it is alive.
    Report(Box<Report>),
    /// Scrubbed lines, each with its line end. All of them come before the report.
    Log {
        /// Whose.
        key: Key,
        /// Which stream.
        stream: Stream,
        /// Counts the messages of a stream from 1.
        seq: u64,
        /// How many secrets were masked in the stream since the message before.
        #[serde(default, skip_serializing_if = "is_none")]
        masked: u64,
        /// The lines.
        #[serde(skip)]
        body: Vec<u8>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// Which.
    pub key: Key,
    /// How.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
    /// How long its program ran.
    pub duration_ms: u64,
}

/// Success with a value, or failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Outcome {
    /// Its output, in canonical form.
    Completed {
        /// The value.
        value: Value,
    },
    /// Its failure.
    Failed {
        /// What and why.
        failure: Failure,
    },
}

/// A log stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A message that may carry a body beside its header.
pub(crate) trait Message {
    /// Takes the body out, to be written beside the header.
    fn take_body(&mut self) -> Vec<u8>;
    /// Puts the body in; `false` where this message has none.
    fn put_body(&mut self, body: Vec<u8>) -> bool;
}

impl Message for ToWorker {
    fn take_body(&mut self) -> Vec<u8> {
        if let Self::Bundle { body, .. } = self { std::mem::take(body) } else { Vec::new() }
    }
    fn put_body(&mut self, read: Vec<u8>) -> bool {
        let Self::Bundle { body, .. } = self else { return read.is_empty() };
        *body = read;
        true
    }
}

impl Message for FromWorker {
    fn take_body(&mut self) -> Vec<u8> {
        if let Self::Log { body, .. } = self { std::mem::take(body) } else { Vec::new() }
    }
    fn put_body(&mut self, read: Vec<u8>) -> bool {
        let Self::Log { body, .. } = self else { return read.is_empty() };
        *body = read;
        true
    }
}
