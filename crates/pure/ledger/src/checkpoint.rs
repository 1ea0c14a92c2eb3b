//! Checkpoints (C2SP tlog-checkpoint): origin, size and root in three lines, signed as a note.
//!
//! Extension lines are refused: DVT writes none and gives none a meaning. The origin of a ledger is `dvt/ledger/<ledgerId>`
//! and stays the same when the ledger moves to another store; it is also the name of the ledger's key.

use crate::leaf::Hash;
use crate::note::{self, SignedNote};
use crate::verifier_key::VerifierKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dvt_model::id::LedgerId;

/// A tree head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Whose.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Why a text is no checkpoint of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not three lines of origin, size and root.
    #[error("a checkpoint has three lines: origin, size, root")]
    Malformed,
    /// The note around it.
    #[error(transparent)]
    Note(#[from] note::Error),
}

/// The origin of a ledger.
pub fn origin(ledger: LedgerId) -> String {
    format!("dvt/ledger/{ledger}")
}

impl Checkpoint {
    /// A head of this ledger.
    pub fn new(ledger: LedgerId, size: u64, root: Hash) -> Self {
        Self { origin: origin(ledger), size, root }
    }

    /// The text that is signed.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root_text())
    }

    /// The root as it stands in the text: base64.
    pub fn root_text(&self) -> String {
        STANDARD.encode(self.root)
    }

    /// Reads the text in its one spelling.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text.strip_suffix('\n').ok_or(Error::Malformed)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(Error::Malformed);
        };
        let size: u64 = size.parse().map_err(|_| Error::Malformed)?;
        let root =
            STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(Error::Malformed)?;
        let read = Self { origin: origin.to_owned(), size, root };
        // Leading zeros, a plus sign and the like come back otherwise than they were written.
        if !origin.is_empty() && read.body() == text { Ok(read) } else { Err(Error::Malformed) }
    }

    /// Reads a signed checkpoint and tells which of `keys` signed it.
    pub fn open<'k>(text: &str, keys: &'k [VerifierKey]) -> Result<(Self, Vec<&'k VerifierKey>), Error> {
        let note = SignedNote::parse(text)?;
        let signers = note.verify(keys)?;
        Ok((Self::parse(&note.text)?, signers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_and_nothing_else() {
        let checkpoint = Checkpoint::new(LedgerId::from_random([1; 16]), 20, [2; 32]);
        let body = checkpoint.body();
        assert_eq!(Checkpoint::parse(&body), Ok(checkpoint));
        let root = STANDARD.encode([2; 32]);
        for wrong in [
            String::new(),
            body.trim_end().to_owned(),
            format!("{body}extension\n"),
            format!("{body}\n"),
            body.replace("\n20\n", "\n020\n"),
            body.replace("\n20\n", "\n+20\n"),
            body.replace("\n20\n", "\n-1\n"),
            body.replace("\n20\n", "\n18446744073709551616\n"),
            format!("\n20\n{root}\n"),
            format!("origin\n20\n{}\n", root.trim_end_matches('=')),
            "origin\n20\nAAAA\n".to_owned(),
        ] {
            assert_eq!(Checkpoint::parse(&wrong), Err(Error::Malformed), "{wrong:?}");
        }
    }
}
