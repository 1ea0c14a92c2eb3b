//! Why the store gave nothing, or took nothing.

use dvt_model::code::Code;
use dvt_model::fault::reason;

/// A fault of the store itself; no driver error leaves this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such tenant, file or row under this scope: hidden and absent are one.
    #[error("not found")]
    NotFound,
    /// The database cannot be read or written.
    #[error("the store cannot {0}")]
    Unavailable(String),
    /// A file, row or cursor that is not ours, is damaged, or is of another release.
    #[error("`{path}` is refused: {reason}")]
    Refused {
        /// Which one.
        path: String,
        /// Why.
        reason: String,
        /// The stable code.
        code: Code,
    },
    /// A sealed value cannot be opened.
    #[error("a sealed value cannot be opened")]
    Decrypt,
    /// A producer broke a rule of the store.
    #[error("contract violation: {0}")]
    Contract(String),
    /// Keys.
    #[error("a key cannot be had: {0}")]
    Key(String),
}

impl Error {
    /// The operating system refused something about a file of ours: `what` is what was to be done.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        Self::Unavailable(format!("{what}: {}", reason(error)))
    }

    /// What the store cannot do, for a sentence that begins with that.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Unavailable(what) => what.clone(),
            other => format!("do this now: {other}"),
        }
    }

    /// Of a stage that this store made for itself and that was left out.
    pub(crate) fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unavailable(what) => Self::Unavailable(what),
            other => Self::Unavailable(format!("do this now: {other}")),
        }
    }

    /// What is stored does not agree with its MAC, commitment or place.
    pub(crate) fn integrity(reason: impl Into<String>) -> Self {
        Self::Refused { path: "ledger".to_owned(), reason: reason.into(), code: Code::LedgerIntegrityFailed }
    }

    /// The content is gone for good: its key was destroyed.
    pub(crate) fn erased() -> Self {
        Self::Refused {
            path: "payload".to_owned(),
            reason: "it is erased: its key was destroyed".to_owned(),
            code: Code::PayloadErased,
        }
    }

    /// A cursor of another tenant, another list or no cursor at all.
    pub(crate) fn cursor() -> Self {
        Self::Refused {
            path: "cursor".to_owned(),
            reason: "it is foreign or malformed".to_owned(),
            code: Code::InvalidCursor,
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Unavailable(_) => Code::LedgerUnavailable,
            Self::Refused { code, .. } => *code,
            Self::Decrypt => Code::DecryptFailed,
            Self::Contract(_) => Code::ContractViolation,
            Self::Key(_) => Code::KeyUnavailable,
        }
    }
}

impl From<Error> for Refusal {
    /// A stage that cannot be prepared is refused for the reason that prevented it.
    fn from(error: Error) -> Self {
        match error {
            Error::Contract(reason) => Self::Contract(reason),
            Error::NotFound => Self::NotFound,
            other => Self::Unavailable(other.what()),
        }
    }
}

/// A stage that was left out, and why. Its neighbours in the same transaction are not touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another writer holds the epoch, or was there first.
    #[error("another writer was there first")]
    LeaseLost,
    /// The run exists.
    #[error("the run exists")]
    RunAlreadyExists,
    /// The admission key exists: this is the run it named. `same` tells whether the request was the same.
    #[error("the request was made before")]
    Admitted {
        /// The run of the first request.
        run: dvt_model::id::RunId,
        /// Whether inputs and power are the same (by HMAC under the run key).
        same: bool,
    },
    /// The plan version exists with another digest.
    #[error("the plan version exists with another digest")]
    PlanVersionExists,
    /// A counted quota is reached.
    #[error("the quota of {0} is reached")]
    Quota(String),
    /// As many runs of the concurrency group are open, or past PENDING, as may be.
    #[error("another run of the concurrency group is open")]
    GroupBusy,
    /// The same signal id with another payload, or (same) the first decision.
    #[error("the signal was sent before")]
    Signalled {
        /// Whether it was the same signal.
        same: bool,
    },
    /// A legal hold keeps what was to end.
    #[error("a legal hold forbids it")]
    LegalHold,
    /// The rights that the operation rests on ended or changed since it was authorized.
    #[error("the rights that it rests on have ended or changed meanwhile")]
    RightsEnded,
    /// The row has another version than the one named.
    #[error("somebody else changed it meanwhile")]
    VersionConflict,
    /// What it is about is not there, or not in this scope.
    #[error("not found")]
    NotFound,
    /// The store cannot write; nothing of the stage is there, or it cannot be known: fold again.
    #[error("the store cannot {0}")]
    Unavailable(String),
    /// The stage breaks a rule (too large, unknown class, …).
    #[error("contract violation: {0}")]
    Contract(String),
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::LeaseLost => Code::LeaseLost,
            Self::RunAlreadyExists => Code::RunAlreadyExists,
            Self::Admitted { .. } => Code::IdempotencyKeyReused,
            Self::PlanVersionExists => Code::PlanVersionExists,
            Self::Quota(_) => Code::QuotaExceeded,
            Self::GroupBusy => Code::ConcurrencyBusy,
            Self::Signalled { .. } => Code::SignalDuplicate,
            Self::LegalHold => Code::LegalHoldActive,
            Self::RightsEnded => Code::AuthzDenied,
            Self::VersionConflict => Code::VersionConflict,
            Self::NotFound => Code::NotFound,
            Self::Unavailable(_) => Code::LedgerUnavailable,
            Self::Contract(_) => Code::ContractViolation,
        }
    }
}
