//! Inclusion and consistency proofs of RFC 6962, made and checked.
//!
//! Making takes the hashes of complete subtrees from a [`Nodes`]; checking takes the proof alone. A proof that is too
//! long, too short or about an impossible position is refused like a wrong one: the answer is yes or no.

use crate::leaf::Hash;
use crate::tree::{empty_root, node, root};

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// The root of the leaves `index << level .. (index + 1) << level`; `None` when it is not there.
    fn node(&self, level: u32, index: u64) -> Option<Hash>;
}

/// All leaves in memory. Each node is hashed when asked for: for tests and small ledgers.
impl Nodes for [Hash] {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let start = usize::try_from(index.checked_shl(level)?).ok()?;
        let end = start.checked_add(1usize.checked_shl(level)?)?;
        Some(root(self.get(start..end)?))
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The hash over the leaves `start..end`, a subtree as RFC 6962 cuts it.
fn subtree<N: Nodes + ?Sized>(nodes: &N, start: u64, end: u64) -> Option<Hash> {
    let count = end - start;
    if count.is_power_of_two() {
        return nodes.node(count.ilog2(), start >> count.ilog2());
    }
    let middle = start + split(count);
    Some(node(&subtree(nodes, start, middle)?, &subtree(nodes, middle, end)?))
}

/// `PATH(index, D[size])` of RFC 6962 section 2.1.1; `None` when `index` is not in the tree or a node is missing.
pub fn inclusion<N: Nodes + ?Sized>(nodes: &N, index: u64, size: u64) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// `PROOF(first, D[second])` of RFC 6962 section 2.1.2. From the empty tree, or to the same size, the proof is empty.
pub fn consistency<N: Nodes + ?Sized>(nodes: &N, first: u64, second: u64) -> Option<Vec<Hash>> {
    if first > second {
        return None;
    }
    let mut path = Vec::new();
    if first == 0 || first == second {
        return Some(path);
    }
    let (mut start, mut end, mut whole) = (0, second, true);
    while end != first {
        let middle = start + split(end - start);
        if first <= middle {
            path.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(nodes, start, middle)?);
            (start, whole) = (middle, false);
        }
    }
    if !whole {
        path.push(subtree(nodes, start, end)?);
    }
    path.reverse();
    Some(path)
}

/// Height of the part of the path where left and right follow the index, and how many left neighbours come above it.
fn heights(index: u64, size: u64) -> (usize, usize) {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    (inner as usize, index.checked_shr(inner).unwrap_or(0).count_ones() as usize)
}

/// Climbs `steps`, the bits of `index` saying on which side each stands.
fn climb(seed: Hash, steps: &[Hash], index: u64) -> Hash {
    steps.iter().enumerate().fold(seed, |hash, (level, step)| {
        if index >> level & 1 == 0 { node(&hash, step) } else { node(step, &hash) }
    })
}

/// Climbs only those `steps` that stand on the left.
fn climb_left(seed: Hash, steps: &[Hash], index: u64) -> Hash {
    let lefts = steps.iter().enumerate().filter(|(level, _)| index >> level & 1 == 1);
    lefts.fold(seed, |hash, (_, step)| node(step, &hash))
}

/// Whether `proof` shows that `leaf` stands at `index` of the tree of `size` leaves with this root.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (inner, border) = heights(index, size);
    if proof.len() != inner + border {
        return false;
    }
    let (low, high) = proof.split_at(inner);
    climb_left(climb(*leaf, low, index), high, u64::MAX) == *root
}

/// Whether `proof` shows that the tree of `second` leaves begins with the tree of `first`.
///
/// Every tree begins with the empty one: from size 0, with its root, the empty proof is right.
pub fn verify_consistency(
    first: u64,
    first_root: &Hash,
    second: u64,
    second_root: &Hash,
    proof: &[Hash],
) -> bool {
    if first > second {
        return false;
    }
    if first == second {
        return proof.is_empty() && first_root == second_root;
    }
    if first == 0 {
        return proof.is_empty() && *first_root == empty_root();
    }
    let shift = first.trailing_zeros();
    let (height, border) = heights(first - 1, second);
    let inner = height - shift as usize;
    // Where the first tree is one complete subtree, its root is the seed and stands in no proof.
    let (seed, rest) = if first.is_power_of_two() {
        (*first_root, proof)
    } else {
        let Some((seed, rest)) = proof.split_first() else { return false };
        (*seed, rest)
    };
    if rest.len() != inner + border {
        return false;
    }
    let (low, high) = rest.split_at(inner);
    let mask = (first - 1) >> shift;
    climb_left(climb_left(seed, low, mask), high, u64::MAX) == *first_root
        && climb_left(climb(seed, low, mask), high, u64::MAX) == *second_root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::rfc6962_leaf;

    #[test]
    fn every_proof_of_small_trees_holds_and_no_bent_one_does() {
        let leaves: Vec<Hash> = (0..33u32).map(|n| rfc6962_leaf(&n.to_be_bytes())).collect();
        for size in 0..=leaves.len() {
            let (tree, total) = (&leaves[..size], size as u64);
            let top = root(tree);
            for (index, leaf) in tree.iter().enumerate() {
                let proof = inclusion(&leaves[..], index as u64, total).unwrap();
                assert!(verify_inclusion(leaf, index as u64, total, &proof, &top));
                assert!(!verify_inclusion(&[9; 32], index as u64, total, &proof, &top));
                assert!(!verify_inclusion(leaf, index as u64 + 1, total, &proof, &top));
            }
            for first in 0..=size {
                let (from, before) = (first as u64, root(&leaves[..first]));
                let mut proof = consistency(&leaves[..], from, total).unwrap();
                assert!(verify_consistency(from, &before, total, &top, &proof), "{first} {size}");
                if first != size {
                    assert!(!verify_consistency(from, &top, total, &top, &proof));
                    assert!(first == 0 || !verify_consistency(from, &before, total, &before, &proof));
                }
                proof.push([0; 32]);
                assert!(!verify_consistency(from, &before, total, &top, &proof));
            }
        }
        assert_eq!(inclusion(&leaves[..], 5, 5), None);
        assert_eq!(inclusion(&leaves[..], 0, 34), None, "a node that is not there");
        assert_eq!(consistency(&leaves[..], 6, 5), None);
    }
}
