//! A refusal as a caller sees it, and what the refusals below become.

use dvt_model::code::Code;
use serde::{Deserialize, Serialize};

/// A refusal as a caller sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// One sentence.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Hidden and absent are one.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing here, or you may not see it")
    }

    pub(crate) fn terminal() -> Self {
        Self::new(Code::RunTerminal, "the run has ended")
    }

    /// What was asked with this proof was refused then, and stays so: whoever asks anew is judged anew.
    pub(crate) fn refused_before(code: Code) -> Self {
        Self::new(code, "it was asked before, and refused")
    }

    pub(crate) fn no_engine() -> Self {
        Self::new(Code::ServiceDegraded, "no engine is running")
    }

    /// The engine that was asked is gone or is ending: the caller may find the next one.
    pub(crate) fn engine_gone() -> Self {
        Self::new(Code::LeaseLost, "the engine ended before it answered")
    }

    /// Whether the store could not be read or written just now: the same asked again may be answered, or have been done.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.code, Code::LedgerUnavailable | Code::KeyUnavailable | Code::ServiceDegraded)
    }

    pub(crate) fn unproved(what: &str) -> Self {
        Self::new(Code::AuthorizationRequired, format!("the proof does not allow this: {what}"))
    }
}

impl From<dvt_store::Error> for Problem {
    fn from(error: dvt_store::Error) -> Self {
        match error {
            dvt_store::Error::NotFound => Self::not_found(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}

impl From<dvt_store::Refusal> for Problem {
    fn from(refusal: dvt_store::Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

impl From<dvt_core::command::Refusal> for Problem {
    fn from(refusal: dvt_core::command::Refusal) -> Self {
        Self::new(refusal.code, refusal.message)
    }
}
