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
    /// The largest resident set, held as long as the program ran: what it used at most. The kernel keeps no sum over the time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memory_byte_seconds: u64,
    /// What was read from storage.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read_bytes: u64,
    /// What was written to storage; what is written to memory alone does not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written_bytes: u64,
}

impl Usage {
    /// Both together: times, areas and bytes add up, the largest set is the larger one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cpu_ms: self.cpu_ms.saturating_add(other.cpu_ms),
            peak_memory_bytes: self.peak_memory_bytes.max(other.peak_memory_bytes),
            memory_byte_seconds: self.memory_byte_seconds.saturating_add(other.memory_byte_seconds),
            read_bytes: self.read_bytes.saturating_add(other.read_bytes),
            written_bytes: self.written_bytes.saturating_add(other.written_bytes),
        }
    }

    /// None beyond `most`.
    #[must_use]
    pub fn up_to(self, most: u64) -> Self {
        Self {
            cpu_ms: self.cpu_ms.min(most),
            peak_memory_bytes: self.peak_memory_bytes.min(most),
            memory_byte_seconds: self.memory_byte_seconds.min(most),
            read_bytes: self.read_bytes.min(most),
            written_bytes: self.written_bytes.min(most),
        }
    }
}

/// What is not there is not written: an event of an earlier release is written again with the bytes that it has.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "for serde")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
