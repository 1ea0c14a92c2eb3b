//! Placing a difference: which tamper class turns the leaves that a tile keeps into those that the entries give.
//!
//! Tiles outlive what they were made from, so where one is stored it is the memory of what the order was.

use super::result::Finding;
use crate::leaf::Hash;

/// Compares a stored tile of level 0 with what the entries give. `first` is the index of its first leaf, `lowest` the
/// first index of the ledger. `None` when the two agree.
pub(super) fn compare(first: u64, lowest: u64, kept: &[Hash], computed: &[Hash]) -> Option<Finding> {
    let place = kept.iter().zip(computed).position(|(left, right)| left != right)?;
    let index = first + place as u64;
    let (kept_rest, computed_rest) = (kept.get(place..)?, computed.get(place..)?);
    let (old, new) = (kept_rest.first()?, computed_rest.first()?);
    let moved =
        |list: &[Hash], hash: &Hash| list.iter().skip(1).position(|other| other == hash).map(|at| at + 1);

    if let (Some(there), Some(back)) = (moved(kept_rest, new), moved(computed_rest, old))
        && there == back
        && kept_rest.get(there + 1..) == computed_rest.get(there + 1..)
    {
        let to = index + there as u64 + 1;
        return Some(Finding::over(11, index..to, format!("the entries {index} and {} are swapped", to - 1)));
    }
    let goes_on =
        |longer: &[Hash], at: usize, other: &[Hash]| longer.iter().skip(at).zip(other).all(|(a, b)| a == b);
    if let Some(missing) = moved(kept_rest, new).filter(|missing| goes_on(kept_rest, *missing, computed_rest))
    {
        let class = if index == lowest { 6 } else { 5 };
        let to = index + missing as u64;
        return Some(Finding::over(class, index..to, format!("the entries {index} to {} are gone", to - 1)));
    }
    if let Some(added) = moved(computed_rest, old).filter(|added| goes_on(computed_rest, *added, kept_rest)) {
        let to = index + added as u64;
        let is_copy = kept.iter().take(place).any(|hash| hash == new);
        let class = if is_copy { 10 } else { 9 };
        return Some(Finding::over(
            class,
            index..to,
            format!("the entries {index} to {} were added", to - 1),
        ));
    }
    Some(Finding::at(1, index, "the entry is not the one that the tile keeps"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(computed: &[u8]) -> Option<(u8, bool)> {
        let hashes = |bytes: &[u8]| bytes.iter().map(|byte| [*byte; 32]).collect::<Vec<_>>();
        let found = compare(256, 256, &hashes(&[1, 2, 3, 4, 5, 6]), &hashes(computed))?;
        Some((found.class, found.covers(258)))
    }

    #[test]
    fn the_usual_differences_are_told_apart() {
        assert_eq!(class_of(&[1, 2, 3, 4, 5, 6]), None);
        assert_eq!(class_of(&[1, 2, 9, 4, 5, 6]), Some((1, true)));
        assert_eq!(class_of(&[1, 2, 4, 5, 6, 7]), Some((5, true)));
        assert_eq!(class_of(&[2, 3, 4, 5, 6, 7]), Some((6, false)));
        assert_eq!(class_of(&[1, 2, 9, 3, 4, 5]), Some((9, true)));
        assert_eq!(class_of(&[1, 2, 2, 3, 4, 5]), Some((10, true)));
        assert_eq!(class_of(&[1, 2, 5, 4, 3, 6]), Some((11, true)));
    }
}
