//! The error code registry (contract 15), as far as codes can be met today. Each has a page in `docs/codes/`.

use crate::action::words;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// A stable error code. A code is never given a second meaning.
    Code {
        /// The request does not have the right shape.
        InvalidRequest = "INVALID_REQUEST",
        /// An event or record does not fit its schema.
        SchemaValidationFailed = "SCHEMA_VALIDATION_FAILED",
        /// An id is malformed.
        InvalidId = "INVALID_ID",
        /// A cursor is foreign or malformed.
        InvalidCursor = "INVALID_CURSOR",
        /// A signal's payload does not fit.
        SignalInvalidPayload = "SIGNAL_INVALID_PAYLOAD",
        /// A decision record lacks a field.
        DecisionRecordIncomplete = "DECISION_RECORD_INCOMPLETE",
        /// The document is no plan; the `DVT-P…` codes say why.
        InvalidPlanSchema = "INVALID_PLAN_SCHEMA",
        /// The plan's `apiVersion` is not known.
        PlanSchemaVersionUnknown = "PLAN_SCHEMA_VERSION_UNKNOWN",
        /// The plan's worst case is beyond the bounds.
        PlanUnbounded = "PLAN_UNBOUNDED",
        /// A literal of the plan looks like a secret.
        SecretInPlan = "SECRET_IN_PLAN",
        /// Who is asking is not known.
        Unauthenticated = "UNAUTHENTICATED",
        /// Not allowed.
        AuthzDenied = "AUTHZ_DENIED",
        /// A proof is missing or bad.
        AuthorizationRequired = "AUTHORIZATION_REQUIRED",
        /// Hidden or absent: all that a client sees.
        NotFound = "NOT_FOUND",
        /// Ledger reason behind a NOT_FOUND.
        RunNotFound = "RUN_NOT_FOUND",
        /// Ledger reason behind a NOT_FOUND: another tenant's object in hand.
        TenantIsolationViolation = "TENANT_ISOLATION_VIOLATION",
        /// The payload's key is gone.
        PayloadErased = "PAYLOAD_ERASED",
        /// Too large.
        PayloadTooLarge = "PAYLOAD_TOO_LARGE",
        /// A second bootstrap of one run id.
        RunAlreadyExists = "RUN_ALREADY_EXISTS",
        /// The run has ended.
        RunTerminal = "RUN_TERMINAL",
        /// The step has ended.
        StepTerminal = "STEP_TERMINAL",
        /// The step has not ended.
        StepNotTerminal = "STEP_NOT_TERMINAL",
        /// Not possible in this state.
        InvalidStateTransition = "INVALID_STATE_TRANSITION",
        /// The same signal id with another type or payload.
        SignalDuplicate = "SIGNAL_DUPLICATE",
        /// The same request id with other inputs.
        IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED",
        /// Another digest than the stored one.
        PlanRefMismatch = "PLAN_REF_MISMATCH",
        /// A published version keeps its digest.
        PlanVersionExists = "PLAN_VERSION_EXISTS",
        /// Another run of the same concurrency group is open.
        ConcurrencyBusy = "CONCURRENCY_BUSY",
        /// A legal hold forbids it.
        LegalHoldActive = "LEGAL_HOLD_ACTIVE",
        /// The row has another version than the one named.
        VersionConflict = "VERSION_CONFLICT",
        /// The ledger is kept longer than that.
        AuditRetentionLocked = "AUDIT_RETENTION_LOCKED",
        /// A quota is reached.
        QuotaExceeded = "QUOTA_EXCEEDED",
        /// As many runs wait as may wait.
        QueueFull = "QUEUE_FULL",
        /// The signal type is reserved.
        SignalNotImplemented = "SIGNAL_NOT_IMPLEMENTED",
        /// No engine, or the engine cannot take more.
        ServiceDegraded = "SERVICE_DEGRADED",
        /// The ledger cannot be written.
        LedgerUnavailable = "LEDGER_UNAVAILABLE",
        /// Another writer holds the epoch or was there first.
        LeaseLost = "LEASE_LOST",
        /// A key cannot be had.
        KeyUnavailable = "KEY_UNAVAILABLE",
        /// The store's schema is not this release's.
        MigrateNotCalled = "MIGRATE_NOT_CALLED",
        /// A bug of ours; the id stands in the log.
        Internal = "INTERNAL",
        /// A sealed value cannot be opened.
        DecryptFailed = "DECRYPT_FAILED",
        /// The ledger does not verify.
        LedgerIntegrityFailed = "LEDGER_INTEGRITY_FAILED",
        /// A producer broke the transition table.
        ContractViolation = "CONTRACT_VIOLATION",
        /// Replay differs.
        DeterminismViolation = "DETERMINISM_VIOLATION",
        /// The stored plan is not the one the run started with.
        PlanIntegrityValidationFailed = "PLAN_INTEGRITY_VALIDATION_FAILED",
        /// Ended by a cancel.
        Cancelled = "CANCELLED",
        /// An expression used up its budget.
        ExpressionOverBudget = "EXPRESSION_OVER_BUDGET",
        /// An expression failed.
        ExpressionFailed = "EXPRESSION_FAILED",
        /// A step's output held a secret.
        SecretInOutput = "SECRET_IN_OUTPUT",
        /// The run waited longer in the queue than it may.
        QueueTtlExpired = "QUEUE_TTL_EXPIRED",
        /// A run on hold was not looked after in time.
        HoldExpired = "HOLD_EXPIRED",
        /// Somebody refused the approval.
        ApprovalRejected = "APPROVAL_REJECTED",
        /// Nobody approved in time.
        ApprovalExpired = "APPROVAL_EXPIRED",
        /// Compensations and `finally` took longer than they may.
        CompensationIncomplete = "COMPENSATION_INCOMPLETE",
        /// Five dispatches were lost.
        WorkerLost = "WORKER_LOST",
        /// The run took longer than its `maxDuration`.
        RunTimeout = "RUN_TIMEOUT",
        /// A program's exit status, or a plugin's own error.
        StepError = "STEP_ERROR",
        /// The step took longer than its `timeout`.
        Timeout = "TIMEOUT",
        /// The step used too much memory.
        Oom = "OOM",
        /// The step's output is too large or no JSON value.
        OutputLimit = "OUTPUT_LIMIT",
        /// A rule forbids it.
        PolicyDenied = "POLICY_DENIED",
        /// No wall can be built here and the owner gave no word for the host.
        SandboxUnavailable = "SANDBOX_UNAVAILABLE",
        /// A setting is missing or malformed.
        ConfigInvalid = "CONFIG_INVALID",
    }
}

impl Code {
    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::QuotaExceeded
                | Self::QueueFull
                | Self::ServiceDegraded
                | Self::LedgerUnavailable
                | Self::LeaseLost
                | Self::KeyUnavailable
                | Self::MigrateNotCalled
        )
    }
}
