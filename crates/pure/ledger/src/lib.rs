//! Leaf, Merkle tree, proofs, tiles, checkpoints and the offline verifier of a ledger (contract 7.3, 7.7, 7.8).
//!
//! Owns every byte that is hashed or signed about a ledger. It reads no clock, draws no chance, opens no file and signs
//! nothing: signing and the keys of the MAC live in `keys`, storing in `store`. The surprising rule: a leaf binds the
//! exact bytes of an envelope, so an envelope is never written a second time from its parsed form.

pub mod announce;
pub mod block;
pub mod checkpoint;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod verifier_key;
pub mod verify;

pub use leaf::{Hash, Salt};

/// A hash as it stands in checkpoints and proofs.
pub fn base64_text(hash: &Hash) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(hash)
}
