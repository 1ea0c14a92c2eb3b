//! Why a key is not had, or does not open what it was given.

use crate::wrap::Purpose;
use dvt_model::code::Code;
use std::path::PathBuf;

/// A fault of keys. It never says which byte was wrong, nor anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The root key file cannot be used as it lies there.
    #[error("the root key file `{}` is refused: {reason}", path.display())]
    RootFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What is open to others, and the mode that closes it.
        close: Option<(PathBuf, u32)>,
    },
    /// Wrong key, wrong place, or changed bytes: which of them cannot be told.
    #[error("a sealed value cannot be opened")]
    Decrypt,
    /// There is no wrapped key for this purpose.
    #[error("there is no {0} key")]
    Missing(Purpose),
    /// A wrapped key was given for another purpose.
    #[error("a {given} key was given where a {expected} key is needed")]
    Purpose {
        /// What was given.
        given: Purpose,
        /// What is needed.
        expected: Purpose,
    },
    /// A checkpoint that does not extend the last one, or is of another ledger. Nothing was signed.
    #[error("the checkpoint is not signed: {0}")]
    NotSigned(&'static str),
    /// The cryptographic library refused its input: too long, or no key of its kind.
    #[error("the cryptographic library refused its input")]
    Refused,
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::RootFile { .. } => Code::ConfigInvalid,
            Self::Decrypt => Code::DecryptFailed,
            Self::Missing(_) => Code::KeyUnavailable,
            Self::Purpose { .. } | Self::Refused => Code::Internal,
            Self::NotSigned(_) => Code::LedgerIntegrityFailed,
        }
    }
}
