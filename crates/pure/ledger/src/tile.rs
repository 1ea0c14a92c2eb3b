//! Tiles (C2SP tlog-tiles): 256 hashes of one level each, written once, when full.
//!
//! Tile `index` at `level` holds the nodes of height `8 * level` over 256 neighbours. Only full tiles are stored; the
//! partial one of each level is a row of [`Rows`], which brings a tree back from full tiles and the leaves after them.

use crate::leaf::Hash;
use crate::proof::Nodes;
use crate::tree::{Frontier, root};

/// Hashes in a full tile.
pub const WIDTH: usize = 256;
/// Bytes of a full tile.
pub const BYTES: usize = WIDTH * 32;
/// Levels that a tree of 2^63 leaves can have.
const LEVELS: u8 = 8;

/// Which tile.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileId {
    /// 0 holds leaves, 1 the roots of tiles of level 0, and so on.
    pub level: u8,
    /// Its place in the level.
    pub index: u64,
}

impl TileId {
    /// The leaves that lie under it, first and one behind the last.
    pub fn leaves(&self) -> (u64, u64) {
        let width = 1u64.checked_shl(8 * (u32::from(self.level) + 1)).unwrap_or(u64::MAX);
        let first = self.index.saturating_mul(width);
        (first, first.saturating_add(width))
    }

    /// The path of C2SP tlog-tiles: `tile/0/x001/067`.
    pub fn path(&self) -> String {
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        format!("tile/{}/{}", self.level, groups.join("/"))
    }
}

/// A full tile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    /// Which.
    pub id: TileId,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// The 8,192 bytes that are stored.
    pub fn encode(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// Reads what [`Tile::encode`] wrote; `None` for any other length.
    pub fn decode(id: TileId, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == BYTES).then(|| Self { id, hashes: hashes(bytes) })
    }

    /// The node over the whole tile: an element of the level above.
    pub fn root(&self) -> Hash {
        root(&self.hashes)
    }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok()).collect()
}

/// How many tiles of `level` are full in a tree of `size` leaves.
pub fn full_count(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0)
}

/// The tiles that become full when a tree grows from `from` to `to` leaves, level by level.
pub fn full_between(from: u64, to: u64) -> Vec<TileId> {
    (0..LEVELS)
        .flat_map(|level| {
            (full_count(from, level)..full_count(to, level)).map(move |index| TileId { level, index })
        })
        .collect()
}

/// Why a tree cannot be brought back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A full tile is not there.
    #[error("the tile {0} is missing")]
    Missing(String),
    /// Too few or too many leaves after the full tiles.
    #[error("{given} leaves were given behind the full tiles, {needed} are needed")]
    Leaves {
        /// How many there were.
        given: usize,
        /// How many there must be.
        needed: usize,
    },
}

/// A growing tree with the partial row of each level.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rows {
    frontier: Frontier,
    rows: Vec<Vec<Hash>>,
}

impl Rows {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings a tree of `size` leaves back from its full tiles and the leaves behind them
    /// (`size / 256 * 256 .. size`). At most 255 tiles per level are asked for.
    pub fn restore(size: u64, tail: &[Hash], tile: impl Fn(TileId) -> Option<Tile>) -> Result<Self, Error> {
        let needed = (size % WIDTH as u64) as usize;
        if tail.len() != needed {
            return Err(Error::Leaves { given: tail.len(), needed });
        }
        let mut rows = vec![tail.to_vec()];
        for level in 0..LEVELS {
            let count = full_count(size, level);
            if count == 0 {
                break;
            }
            let row = (count - count % WIDTH as u64..count).map(|index| {
                let id = TileId { level, index };
                tile(id).map(|tile| tile.root()).ok_or_else(|| Error::Missing(id.path()))
            });
            rows.push(row.collect::<Result<_, _>>()?);
        }
        let mut peaks = Vec::new();
        for row in rows.iter().rev() {
            let mut rest = row.as_slice();
            while !rest.is_empty() {
                let (peak, behind) = rest.split_at(1 << rest.len().ilog2());
                peaks.push(root(peak));
                rest = behind;
            }
        }
        let frontier = Frontier::restore(size, peaks).ok_or(Error::Leaves { given: tail.len(), needed })?;
        Ok(Self { frontier, rows })
    }

    /// Adds a leaf; tiles that are full with it go to `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        let (size, rows) = (self.frontier.size() + 1, &mut self.rows);
        self.frontier.push_noting(leaf, |height, hash| {
            if !height.is_multiple_of(8) {
                return;
            }
            let level = (height / 8) as usize;
            if rows.len() <= level {
                rows.resize_with(level + 1, Vec::new);
            }
            let Some(row) = rows.get_mut(level) else { return };
            row.push(hash);
            if row.len() == WIDTH {
                let level = u8::try_from(level).unwrap_or(LEVELS);
                let id = TileId { level, index: full_count(size, level).saturating_sub(1) };
                full.push(Tile { id, hashes: std::mem::take(row) });
            }
        });
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The complete subtrees.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The partial row of a level: what a partial tile holds.
    pub fn row(&self, level: u8) -> &[Hash] {
        self.rows.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// The nodes of this tree, with `tile` to look full tiles up: what proofs are made from.
    pub fn nodes<F: Fn(TileId) -> Option<Tile>>(&self, tile: F) -> Stored<'_, F> {
        Stored { rows: self, tile }
    }
}

/// A tree as its partial rows and stored tiles.
pub struct Stored<'a, F> {
    rows: &'a Rows,
    tile: F,
}

impl<F: Fn(TileId) -> Option<Tile>> Nodes for Stored<'_, F> {
    fn node(&self, height: u32, index: u64) -> Option<Hash> {
        let (level, within) = (u8::try_from(height / 8).ok()?, height % 8);
        let first = index.checked_shl(within)?;
        let start = usize::try_from(first % WIDTH as u64).ok()?;
        let (id, range) = (TileId { level, index: first / WIDTH as u64 }, start..start + (1 << within));
        if id.index < full_count(self.rows.size(), level) {
            return Some(root((self.tile)(id)?.hashes.get(range)?));
        }
        Some(root(self.rows.row(level).get(range)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::rfc6962_leaf;
    use crate::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
    use std::collections::BTreeMap;

    #[test]
    fn paths_follow_c2sp() {
        assert_eq!(TileId { level: 0, index: 67 }.path(), "tile/0/067");
        assert_eq!(TileId { level: 1, index: 1_234_067 }.path(), "tile/1/x001/x234/067");
    }

    #[test]
    fn a_tree_comes_back_from_its_tiles_at_any_size() {
        let leaves: Vec<Hash> = (0..70_000u32).map(|n| rfc6962_leaf(&n.to_be_bytes())).collect();
        let (mut rows, mut full, mut stored) = (Rows::new(), Vec::new(), BTreeMap::new());
        for (count, leaf) in leaves.iter().enumerate() {
            if count % 4999 == 0 || [255, 256, 257, 65_535, 65_536, 65_537].contains(&count) {
                let lookup = |id| stored.get(&id).cloned();
                let again = Rows::restore(count as u64, &leaves[count / 256 * 256..count], lookup).unwrap();
                assert_eq!(again.root(), rows.root(), "{count}");
                assert_eq!(again.frontier(), rows.frontier());
                assert_eq!(stored.keys().copied().collect::<Vec<_>>(), full_between(0, count as u64));
            }
            rows.push(*leaf, &mut full);
            for tile in full.drain(..) {
                assert_eq!(Tile::decode(tile.id, &tile.encode()).as_ref(), Some(&tile));
                stored.insert(tile.id, tile);
            }
        }
        let nodes = rows.nodes(|id| stored.get(&id).cloned());
        for index in [0, 1, 255, 256, 65_535, 65_536, 69_999] {
            let proof = inclusion(&nodes, index, 70_000).unwrap();
            assert!(verify_inclusion(&leaves[index as usize], index, 70_000, &proof, &rows.root()));
            let proof = consistency(&nodes, index, 70_000).unwrap();
            assert!(verify_consistency(
                index,
                &root(&leaves[..index as usize]),
                70_000,
                &rows.root(),
                &proof
            ));
        }
        assert_eq!(Rows::restore(256, &[], |_| None), Err(Error::Missing("tile/0/000".to_owned())));
        assert_eq!(Rows::restore(2, &[], |_| None), Err(Error::Leaves { given: 0, needed: 2 }));
    }
}
