//! Why a step or run failed (contract 5.1).

use crate::code::Code;
use serde::{Deserialize, Serialize};

/// Whose failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FailureCategory {
    /// The plan's or its program's.
    User,
    /// DVT's own machinery.
    System,
    /// What DVT runs on.
    Platform,
    /// Time ran out.
    Timeout,
}

/// A failure as it stands in StepFailed and RunFailed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The stable code.
    pub error_code: Code,
    /// One sentence for a person; never a stack trace.
    pub error_message: String,
    /// Whether another attempt may help: exit 75 and retryable SYSTEM or PLATFORM failures are *transient*.
    pub retryable: bool,
    /// Whose failure it is.
    pub failure_category: FailureCategory,
    /// The part that failed: `program`, `worker`, `engine`, `plan`, `expression`.
    pub failure_source: String,
    /// The exit status of the program, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
}

impl Failure {
    /// *Transient* in the sense of contract 4.6.
    pub fn is_transient(&self) -> bool {
        let machinery = matches!(self.failure_category, FailureCategory::System | FailureCategory::Platform);
        self.exit_status == Some(75) || (self.retryable && machinery)
    }
}

/// What a step used, from the kernel's own account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// CPU time, user and system.
    pub cpu_ms: u64,
    /// The largest resident set.
    pub peak_memory_bytes: u64,
}
