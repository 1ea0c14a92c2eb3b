//! Which place an id has, among up to fifty thousand.
//!
//! A sorted list in which the first letters of each id stand beside it as a number: looking one up reads this list alone and no
//! text but the one that is found, where a map of texts would read a dozen others on the way.

/// The places of ids; where an id stands twice, the first one has it.
#[derive(Debug, Default)]
pub(crate) struct Index<'i> {
    entries: Vec<(u64, &'i str, usize)>,
}

impl<'i> Index<'i> {
    /// Of ids in the order of their places.
    pub(crate) fn new(ids: impl Iterator<Item = &'i str>) -> Self {
        let mut entries: Vec<_> = ids.enumerate().map(|(at, id)| (first_letters(id), id, at)).collect();
        entries.sort_unstable();
        entries.dedup_by_key(|(_, id, _)| *id);
        Self { entries }
    }

    /// The place of an id.
    pub(crate) fn get(&self, id: &str) -> Option<usize> {
        let sought = (first_letters(id), id);
        let at = self.entries.binary_search_by(|(letters, known, _)| (*letters, *known).cmp(&sought)).ok()?;
        self.entries.get(at).map(|(.., place)| *place)
    }

    /// All ids, in byte order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &'i str> + Clone {
        self.entries.iter().map(|(_, id, _)| *id)
    }
}

/// The first eight bytes, so that numbers go in the order of texts.
fn first_letters(id: &str) -> u64 {
    let mut letters = [0; 8];
    letters.iter_mut().zip(id.bytes()).for_each(|(letter, byte)| *letter = byte);
    u64::from_be_bytes(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_what_a_map_of_texts_would_be() {
        let ids = ["b", "a", "long-name-2", "long-name-1", "long-nam", "a", "", "ä", "a\0", "b"];
        let index = Index::new(ids.into_iter());
        let map: BTreeMap<&str, usize> = ids.into_iter().enumerate().rev().map(|(at, id)| (id, at)).collect();
        for id in ids.into_iter().chain(["c", "long-name-", "a\0\0", "long-name-3"]) {
            assert_eq!(index.get(id), map.get(id).copied(), "{id:?}");
        }
        assert_eq!(index.ids().collect::<Vec<_>>(), map.keys().copied().collect::<Vec<_>>());
    }
}
