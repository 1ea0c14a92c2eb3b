//! Exit codes, and which error code ends in which. One table; the help text and the tests read it.
//!
//! NOT_FOUND ends as *refused*: what somebody may not see and what does not exist are one answer, also in the exit code.

use dvt_model::code::Code;
use dvt_model::run::RunStatus;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked; a run that was followed completed.
    Completed,
    /// The run failed, or the ledger does not verify.
    Failed,
    /// Wrong usage, a plan with errors, a malformed setting.
    Usage,
    /// The run was cancelled.
    Cancelled,
    /// Not allowed, not yours, or not there.
    Refused,
    /// No engine, or the store cannot work now; also a run that was left without an engine.
    NoEngine,
    /// Another state than the one asked for.
    Conflict,
    /// Waited long enough.
    TimedOut,
    /// A bug of ours.
    Internal,
}

/// All of them, as `dvt --help` shows them.
pub(crate) const TABLE: &[(Exit, &str)] = &[
    (Exit::Completed, "completed"),
    (Exit::Failed, "the run failed, the ledger does not verify, or dvt doctor found something broken"),
    (Exit::Usage, "usage or lint errors, malformed configuration"),
    (Exit::Cancelled, "cancelled"),
    (Exit::Refused, "refused: permission or policy; also what is not yours or not there"),
    (Exit::NoEngine, "no engine, or the store cannot work now; also a run left RECOVERING by a hard stop"),
    (Exit::Conflict, "conflict with the present state"),
    (Exit::TimedOut, "timed out waiting"),
    (Exit::Internal, "a bug of ours"),
];

impl Exit {
    /// The number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Cancelled => 3,
            Self::Refused => 4,
            Self::NoEngine => 5,
            Self::Conflict => 6,
            Self::TimedOut => 7,
            Self::Internal => 70,
        }
    }

    /// How following a run ends.
    pub(crate) fn of_run(status: RunStatus) -> Self {
        match status {
            RunStatus::Completed => Self::Completed,
            RunStatus::Failed => Self::Failed,
            RunStatus::Cancelled => Self::Cancelled,
            RunStatus::Pending | RunStatus::Running | RunStatus::Paused => Self::TimedOut,
        }
    }
}

/// The exit code of a refusal.
pub(crate) fn of(code: Code) -> Exit {
    match code {
        Code::InvalidRequest
        | Code::SchemaValidationFailed
        | Code::InvalidId
        | Code::InvalidCursor
        | Code::SignalInvalidPayload
        | Code::DecisionRecordIncomplete
        | Code::InvalidPlanSchema
        | Code::PlanSchemaVersionUnknown
        | Code::PlanUnbounded
        | Code::SecretInPlan
        | Code::PayloadTooLarge
        | Code::SignalNotImplemented
        | Code::ConfigInvalid => Exit::Usage,
        Code::Unauthenticated
        | Code::AuthzDenied
        | Code::AuthorizationRequired
        | Code::NotFound
        | Code::RunNotFound
        | Code::TenantIsolationViolation
        | Code::PayloadErased
        | Code::AuditRetentionLocked
        | Code::QuotaExceeded
        | Code::QueueFull
        | Code::PolicyDenied
        | Code::SandboxUnavailable => Exit::Refused,
        Code::RunAlreadyExists
        | Code::RunTerminal
        | Code::StepTerminal
        | Code::StepNotTerminal
        | Code::InvalidStateTransition
        | Code::SignalDuplicate
        | Code::IdempotencyKeyReused
        | Code::PlanRefMismatch
        | Code::PlanVersionExists
        | Code::ConcurrencyBusy
        | Code::LegalHoldActive
        | Code::VersionConflict => Exit::Conflict,
        Code::ServiceDegraded
        | Code::LedgerUnavailable
        | Code::LeaseLost
        | Code::KeyUnavailable
        | Code::MigrateNotCalled => Exit::NoEngine,
        Code::LedgerIntegrityFailed
        | Code::PlanIntegrityValidationFailed
        | Code::ExpressionOverBudget
        | Code::ExpressionFailed
        | Code::SecretInOutput
        | Code::QueueTtlExpired
        | Code::HoldExpired
        | Code::ApprovalRejected
        | Code::ApprovalExpired
        | Code::CompensationIncomplete
        | Code::WorkerLost
        | Code::RunTimeout
        | Code::StepError
        | Code::Timeout
        | Code::Oom
        | Code::OutputLimit => Exit::Failed,
        Code::Cancelled => Exit::Cancelled,
        Code::Internal | Code::DecryptFailed | Code::ContractViolation | Code::DeterminismViolation => {
            Exit::Internal
        }
    }
}

/// The last paragraph of `dvt --help`.
pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|(exit, text)| format!("  {:>2}  {text}\n", exit.number()));
    format!("Exit codes:\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_documented_table() {
        let numbers: Vec<u8> = TABLE.iter().map(|(exit, _)| exit.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 70]);
    }

    /// Hidden and absent end alike.
    #[test]
    fn hidden_and_absent_are_one_exit() {
        assert_eq!(of(Code::NotFound), of(Code::AuthzDenied));
        assert_eq!(of(Code::NotFound), Exit::Refused);
    }
}
