//! A self-contained proof of one entry: C2SP tlog-proof, with the entry itself (`leafSalt || envelope`) as its extra data.
//!
//! The extra data of a tlog-proof is authenticated by nobody but us: the leaf is computed from it, so a file whose entry was changed
//! does not hold. Any reader of tlog-proofs can check the rest.

use crate::checkpoint::Checkpoint;
use crate::leaf::{Hash, Salt, leaf_hash};
use crate::proof::verify_inclusion;
use crate::verifier_key::VerifierKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// No tree has more levels.
const MOST_HASHES: usize = 64;

/// A proof file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlogProof {
    /// The entry's index.
    pub index: u64,
    /// The salt of its leaf.
    pub leaf_salt: Salt,
    /// Its envelope, byte for byte.
    pub envelope: Vec<u8>,
    /// The inclusion path.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not the text of a proof.
    #[error("this is no proof: {0}")]
    Malformed(&'static str),
    /// The checkpoint is not signed by a given key, or is none.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] crate::checkpoint::Error),
    /// The entry is not in the tree that was signed.
    #[error("the entry {0} is not in the tree that the checkpoint was signed over")]
    NotIncluded(u64),
    /// The entry names another ledger than the checkpoint.
    #[error("the entry is of another ledger than the checkpoint")]
    Foreign,
}

impl TlogProof {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (head, note) = text.split_once("\n\n").ok_or(Error::Malformed("no checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEAD) {
            return Err(Error::Malformed("the first line is another"));
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        let extra = extra.and_then(|text| STANDARD.decode(text).ok()).ok_or(Error::Malformed("no entry"))?;
        let (salt, envelope) = extra.split_first_chunk::<32>().ok_or(Error::Malformed("no entry"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok());
        let path =
            lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<Vec<Hash>>>();
        let read = Self {
            index: index.ok_or(Error::Malformed("no index"))?,
            leaf_salt: *salt,
            envelope: envelope.to_vec(),
            path: path
                .filter(|path| path.len() <= MOST_HASHES)
                .ok_or(Error::Malformed("a line that is no hash"))?,
            note: note.to_owned(),
        };
        // One spelling: what is read comes back byte for byte.
        if read.to_string() == text { Ok(read) } else { Err(Error::Malformed("another spelling")) }
    }

    /// Whether the entry stands at its index of the tree that one of `keys` signed; gives that checkpoint.
    // INVARIANT(INV-03): a proof is checked against public keys alone, and everything in it is under the leaf or the signature.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Checkpoint, Error> {
        let (checkpoint, signers) = Checkpoint::open(&self.note, keys)?;
        if !signers.iter().any(|key| key.name() == checkpoint.origin) {
            return Err(Error::Foreign);
        }
        let leaf = leaf_hash(&self.leaf_salt, &self.envelope);
        if !verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root) {
            return Err(Error::NotIncluded(self.index));
        }
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = [self.leaf_salt.as_slice(), &self.envelope].concat();
        writeln!(formatter, "{HEAD}\nextra {}\nindex {}", STANDARD.encode(entry), self.index)?;
        for hash in &self.path {
            writeln!(formatter, "{}", STANDARD.encode(hash))?;
        }
        write!(formatter, "\n{}", self.note)
    }
}
