//! The Merkle tree of RFC 6962: node hash, root, and the frontier with which it grows.
//!
//! A [`Frontier`] holds the roots of the complete subtrees of a tree, largest first: at most 64 hashes stand for any
//! number of leaves. Pushing a leaf costs one node hash on average, the root one per peak.

use crate::leaf::Hash;
use dvt_model::digest::Digest;

/// `SHA-256(0x01 || left || right)`.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Digest::of_parts(&[&[1], left, right]).0
}

/// The root of no leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Digest::of(&[]).0
}

/// The root over `leaves`.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// A tree of any size as its complete subtrees.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Brings back what [`Frontier::size`] and [`Frontier::peaks`] gave; `None` when the two do not fit together.
    pub fn restore(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_noting(leaf, |_, _| {});
    }

    /// Adds a leaf and tells of every node that is complete with it: height 0 is the leaf itself.
    pub fn push_noting(&mut self, leaf: Hash, mut completed: impl FnMut(u32, Hash)) {
        let (mut hash, mut rest, mut height) = (leaf, self.size, 0);
        completed(0, hash);
        while rest & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(&left, &hash);
            (rest, height) = (rest >> 1, height + 1);
            completed(height, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::rfc6962_leaf;

    /// The definition of RFC 6962 section 2.1, word for word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            more => {
                let split = 1 << (more.len() - 1).ilog2();
                node(&by_definition(&more[..split]), &by_definition(&more[split..]))
            }
        }
    }

    #[test]
    fn the_frontier_agrees_with_the_definition_at_every_size() {
        let leaves: Vec<Hash> = (0..300u32).map(|n| rfc6962_leaf(&n.to_be_bytes())).collect();
        let mut frontier = Frontier::default();
        for (count, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), by_definition(&leaves[..count]), "{count}");
            let again = Frontier::restore(frontier.size(), frontier.peaks().to_vec()).unwrap();
            assert_eq!(again, frontier);
            frontier.push(*leaf);
        }
        assert_eq!(Frontier::restore(3, vec![[0; 32]]), None);
    }
}
