//! Lists of numbers by number, in two pieces of memory: who needs whom in a plan of many steps.

/// For each place from 0 on, the places that it points to, in order and each once. Places are four bytes: a plan has at most fifty
/// thousand steps, and these lists are walked in every order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edges {
    /// Where the list of each place begins, and where the last one ends.
    begins: Vec<u32>,
    ends: Vec<u32>,
}

/// From where to where.
pub(crate) type Pair = (u32, u32);

/// A pair of places; beyond four bytes there is none.
pub(crate) fn pair(from: usize, to: usize) -> Option<Pair> {
    Some((u32::try_from(from).ok()?, u32::try_from(to).ok()?))
}

impl Edges {
    /// Of `count` places; pairs beyond them are left out.
    pub(crate) fn new(count: usize, mut pairs: Vec<Pair>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut begins = Vec::with_capacity(count + 1);
        let mut at = 0;
        for place in 0..=count {
            while pairs.get(at).is_some_and(|(from, _)| (*from as usize) < place) {
                at += 1;
            }
            begins.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        Self { begins, ends: pairs.into_iter().map(|(_, to)| to).collect() }
    }

    /// What a place points to.
    pub(crate) fn of(&self, place: usize) -> impl ExactSizeIterator<Item = usize> + Clone + use<'_> {
        let range = self.begins.get(place).zip(self.begins.get(place + 1));
        let found = range.and_then(|(begin, end)| self.ends.get(*begin as usize..*end as usize));
        found.unwrap_or_default().iter().map(|to| *to as usize)
    }

    /// All places.
    pub(crate) fn places(&self) -> std::ops::Range<usize> {
        0..self.begins.len().saturating_sub(1)
    }

    /// The same, pointing the other way.
    pub(crate) fn turned(&self) -> Self {
        let mut pairs = Vec::with_capacity(self.ends.len());
        pairs.extend(self.places().flat_map(|from| self.of(from).filter_map(move |to| pair(to, from))));
        Self::new(self.places().len(), pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_in_order() {
        let edges = Edges::new(4, vec![(3, 1), (1, 2), (3, 0), (1, 2), (9, 9)]);
        let lists = |edges: &Edges| {
            edges.places().map(|place| edges.of(place).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(lists(&edges), [vec![], vec![2], vec![], vec![0, 1]]);
        assert_eq!(lists(&edges.turned()), [vec![3], vec![3], vec![1], vec![]]);
        assert_eq!(edges.of(4).len(), 0);
        assert_eq!(Edges::default().places(), 0..0);
    }
}
