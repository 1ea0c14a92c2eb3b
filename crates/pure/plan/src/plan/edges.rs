//! Lists of numbers by number, in two pieces of memory: who needs whom in a plan of many steps.

/// For each place from 0 on, the places that it points to, in order and each once.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    /// Where the list of each place begins, and where the last one ends.
    begins: Vec<usize>,
    ends: Vec<usize>,
}

impl Edges {
    /// Of `count` places; pairs beyond them are left out.
    pub(crate) fn new(count: usize, mut pairs: Vec<(usize, usize)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut begins = Vec::with_capacity(count + 1);
        let mut at = 0;
        for place in 0..=count {
            while pairs.get(at).is_some_and(|(from, _)| *from < place) {
                at += 1;
            }
            begins.push(at);
        }
        Self { begins, ends: pairs.into_iter().map(|(_, to)| to).collect() }
    }

    /// What a place points to.
    pub(crate) fn of(&self, place: usize) -> &[usize] {
        let range = self.begins.get(place).zip(self.begins.get(place + 1));
        range.and_then(|(begin, end)| self.ends.get(*begin..*end)).unwrap_or_default()
    }

    /// All places.
    pub(crate) fn places(&self) -> std::ops::Range<usize> {
        0..self.begins.len().saturating_sub(1)
    }

    /// The same, pointing the other way.
    pub(crate) fn turned(&self) -> Self {
        let pairs = self.places().flat_map(|from| self.of(from).iter().map(move |to| (*to, from)));
        Self::new(self.places().len(), pairs.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_in_order() {
        let edges = Edges::new(4, vec![(3, 1), (1, 2), (3, 0), (1, 2), (9, 9)]);
        let lists = |edges: &Edges| edges.places().map(|place| edges.of(place).to_vec()).collect::<Vec<_>>();
        assert_eq!(lists(&edges), [vec![], vec![2], vec![], vec![0, 1]]);
        assert_eq!(lists(&edges.turned()), [vec![3], vec![3], vec![1], vec![]]);
        assert_eq!(edges.of(4), [] as [usize; 0]);
        assert_eq!(Edges::default().places(), 0..0);
    }
}
