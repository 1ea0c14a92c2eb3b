//! What a step has few of, kept in one piece: the ids of other steps, and values by name. Both in byte order, each once.
//!
//! A plan has up to fifty thousand steps, and most of these have one need and one variable; a tree of nodes costs ten times what
//! it holds there.

use dvt_model::id::StepId;
use serde::Serialize;

/// Ids of steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StepIds(Vec<StepId>);

impl StepIds {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In byte order.
    pub fn iter(&self) -> std::slice::Iter<'_, StepId> {
        self.0.iter()
    }

    /// Whether it is among them.
    pub fn contains(&self, id: &StepId) -> bool {
        self.0.binary_search(id).is_ok()
    }

    /// Adds one.
    pub fn insert(&mut self, id: StepId) {
        if let Err(at) = self.0.binary_search(&id) {
            self.0.insert(at, id);
        }
    }
}

impl FromIterator<StepId> for StepIds {
    fn from_iter<I: IntoIterator<Item = StepId>>(ids: I) -> Self {
        let mut ids: Vec<StepId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self(ids)
    }
}

impl<'s> IntoIterator for &'s StepIds {
    type Item = &'s StepId;
    type IntoIter = std::slice::Iter<'s, StepId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Values by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<V>(Vec<(String, V)>);

impl<V> Default for Named<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Named<V> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In byte order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// In byte order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    /// In the order of their names.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.get(self.place(name).ok()?).map(|(_, value)| value)
    }

    /// Gives a name its value.
    pub fn insert(&mut self, name: String, value: V) {
        match self.place(&name) {
            Ok(at) => {
                if let Some((_, known)) = self.0.get_mut(at) {
                    *known = value;
                }
            }
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

impl<V> FromIterator<(String, V)> for Named<V> {
    /// Where a name stands twice, the last one has it.
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        let mut pairs: Vec<(String, V)> = pairs.into_iter().collect();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        Self(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn they_are_what_trees_would_be() {
        let letters = ["b", "a", "c", "a", "b2", "b"];
        let ids = || letters.iter().map(|letter| StepId::parse(letter).unwrap());
        let (mut few, mut tree): (StepIds, BTreeSet<StepId>) = (ids().collect(), ids().collect());
        for id in ["a1", "a", "z"].map(|id| StepId::parse(id).unwrap()) {
            assert_eq!(few.contains(&id), tree.contains(&id));
            few.insert(id.clone());
            tree.insert(id);
        }
        assert_eq!(few.iter().collect::<Vec<_>>(), tree.iter().collect::<Vec<_>>());
        assert_eq!(serde_json::to_value(&few).unwrap(), serde_json::to_value(&tree).unwrap());
        let pairs = || letters.iter().enumerate().map(|(at, letter)| ((*letter).to_owned(), at));
        let (mut few, mut tree): (Named<usize>, BTreeMap<String, usize>) =
            (pairs().collect(), pairs().collect());
        for (name, value) in [("b", 90), ("b0", 91), ("", 92)] {
            few.insert(name.to_owned(), value);
            tree.insert(name.to_owned(), value);
        }
        assert_eq!(few.iter().collect::<Vec<_>>(), tree.iter().collect::<Vec<_>>());
        assert_eq!(few.keys().zip(few.values()).collect::<Vec<_>>(), tree.iter().collect::<Vec<_>>());
        for name in ["a", "b", "b1", ""] {
            assert_eq!(few.get(name), tree.get(name), "{name}");
        }
    }
}
