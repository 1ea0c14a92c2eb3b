//! Leaves and payload commitments (contract 7.3, layers 1 and 2).
//!
//! Three prefixes keep the hashes apart: 0x00 a leaf, 0x01 an inner node (RFC 6962), 0x02 a payload commitment. The salts
//! are what makes a hash of a guessable text safe to publish; they are 32 bytes and end with what they hide.

use dvt_model::digest::Digest;

/// A SHA-256 value of the tree.
pub type Hash = [u8; 32];
/// The salt of a leaf or of a payload.
pub type Salt = [u8; 32];

/// `SHA-256(0x02 || payloadSalt || canonical(payload))`.
pub fn payload_commit(salt: &Salt, canonical_payload: &[u8]) -> Digest {
    Digest::of_parts(&[&[2], salt, canonical_payload])
}

/// `SHA-256(0x00 || leafSalt || canonical(envelope))`: an RFC 6962 leaf over `leafSalt || envelope`.
// INVARIANT(INV-03): the one place where a leaf is made; the store appends with it, the verifier recomputes with it.
pub fn leaf_hash(salt: &Salt, canonical_envelope: &[u8]) -> Hash {
    Digest::of_parts(&[&[0], salt, canonical_envelope]).0
}

/// The RFC 6962 leaf hash of plain data, `SHA-256(0x00 || data)`.
pub fn rfc6962_leaf(data: &[u8]) -> Hash {
    Digest::of_parts(&[&[0], data]).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salted_leaf_is_an_rfc_6962_leaf_over_salt_and_envelope() {
        let salt = [7; 32];
        let mut joined = salt.to_vec();
        joined.extend_from_slice(b"{}");
        assert_eq!(leaf_hash(&salt, b"{}"), rfc6962_leaf(&joined));
        assert_ne!(leaf_hash(&salt, b"{}"), leaf_hash(&[8; 32], b"{}"));
        assert_ne!(payload_commit(&salt, b"{}").0, leaf_hash(&salt, b"{}"), "prefixes keep the two apart");
    }
}
