//! Public keys of signed notes: `name+<8 hex>+base64(0x01 || public key)`, Ed25519 alone (C2SP signed-note).
//!
//! [`VerifierKey::check`] is the one place where an Ed25519 signature is checked. The key hash binds the name, so a key
//! of one ledger is no key of another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dvt_model::digest::{Digest, hex, unhex};
use std::fmt;

/// The signature type byte of Ed25519.
pub const ED25519: u8 = 0x01;

/// A public key under its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    name: String,
    public_key: [u8; 32],
    hash: [u8; 4],
}

/// Why a text is no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not `name+hash+key`.
    #[error("a verifier key is `name+hash+key`")]
    Malformed,
    /// The name is empty or has white space or `+` in it.
    #[error("`{0}` is no key name")]
    Name(String),
    /// Not an Ed25519 key of 32 bytes.
    #[error("the key is not an Ed25519 key")]
    Algorithm,
    /// The hash is not that of name and key.
    #[error("the key hash does not fit name and key")]
    Hash,
}

/// Whether a text can name a key: not empty, no Unicode white space, no plus sign.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|character: char| character.is_whitespace() || character == '+')
}

impl VerifierKey {
    /// A key under a name.
    pub fn new(name: &str, public_key: [u8; 32]) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::Name(name.to_owned()));
        }
        let Digest(digest) = Digest::of_parts(&[name.as_bytes(), b"\n", &[ED25519], &public_key]);
        let [a, b, c, d, ..] = digest;
        Ok(Self { name: name.to_owned(), public_key, hash: [a, b, c, d] })
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, rest) = text.split_once('+').ok_or(Error::Malformed)?;
        let (hash, key) = rest.split_once('+').ok_or(Error::Malformed)?;
        let key = STANDARD.decode(key).map_err(|_| Error::Malformed)?;
        let [ED25519, public_key @ ..] = key.as_slice() else { return Err(Error::Algorithm) };
        let read = Self::new(name, public_key.try_into().map_err(|_| Error::Algorithm)?)?;
        if unhex(hash).as_deref() == Some(&read.hash) { Ok(read) } else { Err(Error::Hash) }
    }

    /// Its name; for a ledger's key the origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the public key (RFC 8032).
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The first four bytes of `SHA-256(name || "\n" || 0x01 || public key)`.
    pub fn hash(&self) -> [u8; 4] {
        self.hash
    }

    /// `name+<8 hex>`: how results name a key.
    pub fn id(&self) -> String {
        format!("{}+{}", self.name, hex(&self.hash))
    }

    /// Whether this key signed `message` (Ed25519, RFC 8032).
    pub fn check(&self, message: &[u8], signature: &[u8]) -> bool {
        check(&self.public_key, message, signature)
    }
}

/// Whether the Ed25519 `public_key` signed `message` (RFC 8032).
///
/// One rule for every edge: no cofactor, `S` below the group order, `R` compared as bytes, and the key in its one
/// canonical spelling. The last is checked here, because implementations of the curve differ in it. Keys of low order
/// are taken: a ledger's key is made by DVT, and who plants such a key has planted a key.
pub fn check(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    is_canonical(public_key)
        && UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

/// Whether 32 bytes spell a point canonically: `y < 2^255 - 19`, and no sign on the two points where `x` is 0.
fn is_canonical(point: &[u8]) -> bool {
    let Some((&top, low)) = point.split_last().filter(|(_, low)| low.len() == 31) else { return false };
    let (is_negative, top) = (top & 0x80 != 0, top & 0x7f);
    let Some(&first) = low.first() else { return false };
    let middle_is = |byte: u8| low.iter().skip(1).all(|other| *other == byte);
    // y = 2^255 - 256 + first: at or above the prime from 0xed on; 0xec is y = -1.
    let is_high = top == 0x7f && middle_is(0xff);
    let is_zero_x = is_high && first == 0xec || top == 0 && middle_is(0) && first == 1;
    !(is_high && first >= 0xed || is_zero_x && is_negative)
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(&self.public_key);
        write!(formatter, "{}+{}+{}", self.name, hex(&self.hash), STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_comes_back_and_bent_ones_are_refused() {
        let key = VerifierKey::new("dvt/ledger/x", [0xfb; 32]).unwrap();
        let text = key.to_string();
        assert_eq!(VerifierKey::parse(&text), Ok(key.clone()));
        assert!(text.starts_with(&key.id()));
        assert_eq!(VerifierKey::parse(&text.replace("/x+", "/y+")), Err(Error::Hash));
        assert_eq!(VerifierKey::parse("dvt"), Err(Error::Malformed));
        assert_eq!(VerifierKey::parse("a+00000000+!"), Err(Error::Malformed));
        assert_eq!(VerifierKey::parse("a+00000000+Bg=="), Err(Error::Algorithm));
        assert!(matches!(VerifierKey::new("a b", [0; 32]), Err(Error::Name(_))));
        assert!(matches!(VerifierKey::new("", [0; 32]), Err(Error::Name(_))));
    }
}
