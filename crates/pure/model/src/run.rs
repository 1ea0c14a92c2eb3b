//! The words of a run: its states, the names of its events, what it was admitted with.

use crate::action::words;
use crate::digest::Digest;
use crate::id::{PlanId, RunId};
use crate::scope::ScopeIds;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// The state of a run (contract 4.4).
    RunStatus {
        /// Queued, not started.
        Pending = "PENDING",
        /// Started.
        Running = "RUNNING",
        /// No new step starts.
        Paused = "PAUSED",
        /// Ended well.
        Completed = "COMPLETED",
        /// Ended by a failure.
        Failed = "FAILED",
        /// Ended by a cancel.
        Cancelled = "CANCELLED",
    }
}

impl RunStatus {
    /// Whether nothing more can happen.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// The state of a step (contract 4.4).
    StepStatus {
        /// Not begun, or its next attempt is due.
        Pending = "PENDING",
        /// Begun, or waiting inside.
        Running = "RUNNING",
        /// Ended well.
        Success = "SUCCESS",
        /// Ended by a failure.
        Failed = "FAILED",
        /// Left out.
        Skipped = "SKIPPED",
    }
}

words! {
    /// The names of run events (contract 5.1).
    EventName {
        /// Admitted.
        RunQueued = "RunQueued",
        /// Taken by the provider that runs it.
        RunStarted = "RunStarted",
        /// No new step starts.
        RunPaused = "RunPaused",
        /// Goes on after a pause.
        RunResumed = "RunResumed",
        /// On the way out because of a failure.
        RunFailing = "RunFailing",
        /// On the way out because somebody asked.
        RunCancelRequested = "RunCancelRequested",
        /// Ended well.
        RunCompleted = "RunCompleted",
        /// Ended by a failure.
        RunFailed = "RunFailed",
        /// Ended by a cancel.
        RunCancelled = "RunCancelled",
        /// A named signal came in.
        SignalReceived = "SignalReceived",
        /// An attempt began; durable before the step's code can run.
        StepStarted = "StepStarted",
        /// The same attempt was given out again.
        StepRedispatched = "StepRedispatched",
        /// An attempt ended well.
        StepCompleted = "StepCompleted",
        /// An attempt failed.
        StepFailed = "StepFailed",
        /// Left out.
        StepSkipped = "StepSkipped",
        /// Taken over from the run that this one continues.
        StepReused = "StepReused",
        /// Somebody asked for another attempt.
        StepRetryRequested = "StepRetryRequested",
        /// A vote on an approval.
        StepVoted = "StepVoted",
    }
}

impl EventName {
    /// Whether the event ends its run.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::RunCompleted | Self::RunFailed | Self::RunCancelled)
    }
}

/// What a run may do, recorded when it is queued; narrowed later at most, never widened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Power {
    /// Whether the owner gave the word that program steps may run on the `host` tier.
    pub host_allowed: bool,
    /// Digest of the packed `files`, where the plan has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_digest: Option<Digest>,
    /// The secrets profile; none until secrets exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_profile: Option<String>,
}

/// Which plan a run follows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanRef {
    /// The plan's id.
    pub plan_id: PlanId,
    /// Its version; `0.0.0-dev.d<12 hex>` for a file that was run as it lay there.
    pub plan_version: String,
    /// SHA-256 of its canonical form.
    pub digest: Digest,
}

/// The row that names a run (contract 6.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunMetadata {
    /// Where it lies.
    pub scope: ScopeIds,
    /// Its id.
    pub run_id: RunId,
    /// The plan it follows.
    pub plan: PlanRef,
    /// The plan's name, for people.
    pub plan_name: String,
    /// What runs it: `embedded`.
    pub provider: String,
}
