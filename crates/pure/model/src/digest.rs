//! SHA-256 and the two ways in which a digest is written on the wire.
//!
//! A field called `sha256` is 64 lowercase hex digits; a field ending in `Digest` is `sha256:` plus the same.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const PREFIX: &str = "sha256:";

/// A SHA-256 value (FIPS 180-4), shown as `sha256:<64 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0u8; 32];
        out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
        Self(out)
    }

    /// The digest of the concatenation of `parts`, without copying them together.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in parts {
            hasher.update(part);
        }
        let mut out = [0u8; 32];
        out.copy_from_slice(hasher.finish().as_ref());
        Self(out)
    }

    /// The 64 lowercase hex digits, without prefix.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    fn text(&self) -> [u8; PREFIX.len() + 64] {
        let mut text = [0; PREFIX.len() + 64];
        let (prefix, hex) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX.as_bytes());
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(&self.0) {
            *pair = digits(*byte);
        }
        text
    }

    /// Reads the text form `sha256:<64 hex>`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = unhex(text.strip_prefix(PREFIX)?)?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a digest is `sha256:` and 64 lowercase hex digits"))
    }
}

/// Lowercase hex of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend_from_slice(&digits(*byte));
    }
    // Digits are ASCII.
    String::from_utf8(text).unwrap_or_default()
}

fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|nibble| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 })
}

/// Reads lowercase hex; an odd length or another character is `None`.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(value(*high)? << 4 | value(*low)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_comes_back_and_nothing_else_is_read() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::of_parts(&[b"a", b"", b"bc"]), digest);
        for wrong in ["", "sha256:", "sha256:ab", &digest.hex(), &digest.to_string().to_uppercase()] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
    }
}
