//! Leaf, Merkle tree, proofs, checkpoints and the verifier of a ledger.
