//! Access: who are you, may you, is the input well-formed. It alone makes contexts and proofs. Embedded mode first.
//!
//! It refuses by default, and an answer leaves only after its decision is durable in the caller's ledger. What a caller
//! may not see does not exist: hidden and absent are one constant answer.

mod decision;
pub mod embedded;
pub mod envelope;
mod every;
pub mod explain;
pub mod reading;

pub use every::Judged;

use dvt_model::code::Code;

/// A refusal: what the caller sees. Hidden and absent are the same value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Denied {
    /// The stable code.
    pub code: Code,
    /// One sentence.
    pub message: String,
}

impl Denied {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The one answer for what is hidden, of another tenant, or was never there.
    // INVARIANT(INV-04): one constructor, no argument: the answer cannot depend on which of the three it was.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing here, or you may not see it")
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "this OS user is no member of the tenant that the profile names")
    }

    /// A decision that could not be entered is no answer (INV-07).
    pub(crate) fn of_store(error: &dvt_store::Error) -> Self {
        match error {
            dvt_store::Error::NotFound => Self::not_found(),
            error => Self::new(error.code(), error.to_string()),
        }
    }
}
