//! C2SP signed notes: a text, an empty line, and one line per signature.
//!
//! Reading is strict, so that a note has one spelling: what [`SignedNote::parse`] takes, [`SignedNote`]'s `Display` gives
//! back byte for byte. A signature by a key that is not among the given ones is ignored, a bad one by a given key refuses
//! the whole note.

use crate::verifier_key::{VerifierKey, is_name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The largest note that is read.
pub const MAX_BYTES: usize = 64 * 1024;
/// The most signatures that are read.
const MAX_SIGNATURES: usize = 100;

/// One signature line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's hash.
    pub key_hash: [u8; 4],
    /// What the key made.
    pub bytes: Vec<u8>,
}

/// A text with its signatures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedNote {
    /// What is signed, with its last newline.
    pub text: String,
    /// At least one.
    pub signatures: Vec<Signature>,
}

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// A known key's signature does not fit the text.
    #[error("the signature of `{0}` does not fit the text")]
    BadSignature(String),
    /// None of the given keys signed it.
    #[error("none of the given keys signed it")]
    Unsigned,
}

impl SignedNote {
    /// Reads a note in its one spelling.
    pub fn parse(note: &str) -> Result<Self, Error> {
        if note.len() > MAX_BYTES {
            return Err(Error::Malformed("too long"));
        }
        if note.contains(|character: char| character.is_ascii_control() && character != '\n') {
            return Err(Error::Malformed("a control character"));
        }
        let cut = note.rfind("\n\n").ok_or(Error::Malformed("no empty line before signatures"))?;
        let (text, lines) = note.split_at_checked(cut + 1).ok_or(Error::Malformed("no text"))?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or(Error::Malformed("no newline at the end"))?;
        let signatures = lines.split('\n').map(parse_signature).collect::<Option<Vec<_>>>();
        let signatures = signatures.ok_or(Error::Malformed("a line that is no signature"))?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(Error::Malformed("too many signatures"));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The keys of `keys` that signed it, at least one.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, Error> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let named = |key: &&VerifierKey| key.name() == signature.name && key.hash() == signature.key_hash;
            for key in keys.iter().filter(named) {
                if !key.check(self.text.as_bytes(), &signature.bytes) {
                    return Err(Error::BadSignature(key.id()));
                }
                if !signers.contains(&key) {
                    signers.push(key);
                }
            }
        }
        if signers.is_empty() { Err(Error::Unsigned) } else { Ok(signers) }
    }
}

/// `— name base64(hash || signature)`
fn parse_signature(line: &str) -> Option<Signature> {
    let (name, blob) = line.strip_prefix("— ")?.split_once(' ')?;
    let blob = STANDARD.decode(blob).ok()?;
    let (hash, bytes) = blob.split_first_chunk::<4>()?;
    (is_name(name) && !bytes.is_empty()).then(|| Signature {
        name: name.to_owned(),
        key_hash: *hash,
        bytes: bytes.to_vec(),
    })
}

impl fmt::Display for SignedNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        for Signature { name, key_hash, bytes } in &self.signatures {
            writeln!(formatter, "— {name} {}", STANDARD.encode([key_hash.as_slice(), bytes].concat()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_note_is_refused() {
        for wrong in [
            "",
            "text\n",
            "text\n\n",
            "text\n\n— name\n",
            "text\n\n— name AAAA\n",
            "text\n\n- name AAAAAAA=\n",
            "text\n\n— na+me AAAAAAA=\n",
            "text\n\n— name AAAAAAA=",
            "text\n\n— name AAAAAAA\n",
            "te\txt\n\n— name AAAAAAA=\n",
            "text\r\n\n— name AAAAAAA=\n",
            "text\n— name AAAAAAA=\n",
        ] {
            assert!(matches!(SignedNote::parse(wrong), Err(Error::Malformed(_))), "{wrong:?}");
        }
        let good = "text\n\nmore\n\n— name AAAAAAA=\n— other AAAAAAE=\n";
        let note = SignedNote::parse(good).unwrap();
        assert_eq!((note.text.as_str(), note.signatures.len()), ("text\n\nmore\n", 2));
        assert_eq!(note.to_string(), good);
        assert_eq!(note.verify(&[]), Err(Error::Unsigned));
    }
}
