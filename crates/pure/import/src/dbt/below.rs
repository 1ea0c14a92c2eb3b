//! What lies below several resources at once, without what lies below another one of it.
//!
//! Marks of the parents go down the graph once for each sixty-four of them: what has the marks of all lies below all. Whoever
//! goes down from the lowest parent meets the nearest of these first and need not go on. So no test costs what lies below it.

use super::held::may_be_held;
use super::manifest::Manifest;
use std::collections::{BTreeMap, BTreeSet};

/// Bits of one word of marks.
const BITS: usize = 64;

/// The resources by number, each behind what it reads, and who reads whom.
pub(super) struct Below<'a> {
    names: Vec<&'a str>,
    numbers: BTreeMap<&'a str, usize>,
    readers: Vec<Vec<usize>>,
    parents: Vec<Vec<usize>>,
}

impl<'a> Below<'a> {
    pub(super) fn of(manifest: &'a Manifest) -> Self {
        let names = in_order(manifest);
        let numbers: BTreeMap<&str, usize> = names.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut parents = vec![Vec::new(); names.len()];
        let mut readers = vec![Vec::new(); names.len()];
        for (at, (id, readers)) in names.iter().zip(&mut readers).enumerate() {
            let children = manifest.children.get(*id).into_iter().flatten();
            for reader in children.filter_map(|child| numbers.get(child.as_str()).copied()) {
                readers.push(reader);
                if let Some(parents) = parents.get_mut(reader) {
                    parents.push(at);
                }
            }
        }
        Self { names, numbers, readers, parents }
    }

    /// For each set of parents the nearest that lie below all of them; nothing below one that is not among the resources.
    pub(super) fn nearest(&self, sets: &[&BTreeSet<String>]) -> Vec<Vec<&'a str>> {
        let number = |parent: &String| self.numbers.get(parent.as_str()).copied();
        let sets = sets.iter().map(|parents| parents.iter().map(number).collect::<Option<BTreeSet<_>>>());
        let sets: Vec<BTreeSet<usize>> = sets.map(Option::unwrap_or_default).collect();
        let mut found = Vec::with_capacity(sets.len());
        let mut rest = sets.as_slice();
        while !rest.is_empty() {
            let (some, after) = rest.split_at(sharing_a_word(rest));
            let marks = Marks::of(self, some);
            found.extend(some.iter().map(|parents| self.below(parents, &marks)));
            rest = after;
        }
        found
    }

    fn below(&self, parents: &BTreeSet<usize>, marks: &Marks) -> Vec<&'a str> {
        let Some(lowest) = parents.last() else { return Vec::new() };
        let wanted = marks.mask(parents);
        let (mut open, mut seen, mut met) = (vec![*lowest], BTreeSet::new(), Vec::new());
        while let Some(at) = open.pop() {
            for reader in list(&self.readers, at).iter().filter(|reader| seen.insert(**reader)) {
                let met = if marks.has(*reader, &wanted) { &mut met } else { &mut open };
                met.push(*reader);
            }
        }
        met.retain(|at| !list(&self.parents, *at).iter().any(|parent| marks.has(*parent, &wanted)));
        met.into_iter().filter_map(|at| self.names.get(at).copied()).collect()
    }
}

/// How many of the first sets have no more members together than a word has bits; at least one.
fn sharing_a_word(sets: &[BTreeSet<usize>]) -> usize {
    let mut members: BTreeSet<usize> = BTreeSet::new();
    let fits = sets.iter().take_while(|set| {
        members.extend(set.iter());
        members.len() <= BITS
    });
    fits.count().max(1)
}

fn list(lists: &[Vec<usize>], at: usize) -> &[usize] {
    lists.get(at).map_or(&[], Vec::as_slice)
}

/// The ids, each behind what it reads; what reads itself in a circle has no place in a plan and comes last.
fn in_order(manifest: &Manifest) -> Vec<&str> {
    let is_kept = |id: &str| manifest.resources.get(id).is_some_and(|one| may_be_held(one.kind));
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ready = Vec::new();
    for (id, resource) in manifest.resources.iter().filter(|(id, _)| is_kept(id)) {
        match resource.parents.iter().filter(|parent| is_kept(parent)).count() {
            0 => ready.push(id.as_str()),
            reads => drop(waiting.insert(id, reads)),
        }
    }
    let mut order = Vec::with_capacity(ready.len() + waiting.len());
    while let Some(id) = ready.pop() {
        order.push(id);
        for child in manifest.children.get(id).into_iter().flatten() {
            let Some(reads) = waiting.get_mut(child.as_str()) else { continue };
            *reads -= 1;
            if *reads == 0 {
                waiting.remove(child.as_str());
                ready.push(child);
            }
        }
    }
    order.extend(waiting.into_keys());
    order
}

/// Which of some parents each resource lies below.
struct Marks {
    /// The bit of each parent.
    bits: BTreeMap<usize, usize>,
    words: usize,
    of: Vec<u64>,
}

impl Marks {
    fn of(below: &Below<'_>, sets: &[BTreeSet<usize>]) -> Self {
        let members: BTreeSet<usize> = sets.iter().flatten().copied().collect();
        let bits: BTreeMap<usize, usize> = members.into_iter().zip(0..).collect();
        let words = bits.len().div_ceil(BITS);
        let mut marks = Self { bits, words, of: vec![0; words * below.names.len()] };
        for (at, readers) in below.readers.iter().enumerate() {
            let mut own = marks.row(at).to_vec();
            if let Some(bit) = marks.bits.get(&at) {
                set(&mut own, *bit);
            }
            for reader in readers {
                let row = marks.of.get_mut(reader * words..(reader + 1) * words).unwrap_or_default();
                row.iter_mut().zip(&own).for_each(|(word, own)| *word |= own);
            }
        }
        marks
    }

    fn row(&self, at: usize) -> &[u64] {
        self.of.get(at * self.words..(at + 1) * self.words).unwrap_or_default()
    }

    fn mask(&self, parents: &BTreeSet<usize>) -> Vec<u64> {
        let mut mask = vec![0; self.words];
        parents.iter().filter_map(|parent| self.bits.get(parent)).for_each(|bit| set(&mut mask, *bit));
        mask
    }

    fn has(&self, at: usize, wanted: &[u64]) -> bool {
        self.row(at).iter().zip(wanted).all(|(row, wanted)| row & wanted == *wanted)
    }
}

fn set(words: &mut [u64], bit: usize) {
    if let Some(word) = words.get_mut(bit / BITS) {
        *word |= 1 << (bit % BITS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: everything below all of them, without what something of that reads.
    fn plainly(below: &Below<'_>, parents: &BTreeSet<usize>) -> BTreeSet<usize> {
        let reach = |from: usize| {
            let (mut open, mut seen) = (vec![from], BTreeSet::new());
            while let Some(at) = open.pop() {
                open.extend(below.readers[at].iter().copied().filter(|reader| seen.insert(*reader)));
            }
            seen
        };
        let common =
            parents.iter().map(|at| reach(*at)).reduce(|one, other| &one & &other).unwrap_or_default();
        let further = common.iter().flat_map(|at| below.readers[*at].iter().copied()).collect();
        &common - &further
    }

    #[test]
    fn the_nearest_are_those_of_the_definition() {
        let names: Vec<String> = (0..120).map(|at| format!("n{at:03}")).collect();
        let (mut state, mut several) = (7_u64, 0);
        let mut below = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % most
        };
        for _ in 0..40 {
            let mut graph = Below {
                names: names.iter().map(String::as_str).collect(),
                numbers: names.iter().map(String::as_str).zip(0..).collect(),
                readers: vec![Vec::new(); names.len()],
                parents: vec![Vec::new(); names.len()],
            };
            for reader in 1..names.len() {
                for parent in (0..1 + below(3)).map(|_| below(reader)).collect::<BTreeSet<_>>() {
                    graph.readers[parent].push(reader);
                    graph.parents[reader].push(parent);
                }
            }
            let mut sets: Vec<BTreeSet<usize>> =
                (0..60).map(|_| (0..2 + below(2)).map(|_| below(names.len())).collect()).collect();
            // More than one word of marks.
            sets.push((0..100).collect());
            let texts: Vec<BTreeSet<String>> =
                sets.iter().map(|set| set.iter().map(|at| names[*at].clone()).collect()).collect();
            let found = graph.nearest(&texts.iter().collect::<Vec<_>>());
            assert_eq!(found.len(), sets.len());
            several += found.iter().filter(|nearest| nearest.len() > 1).count();
            for (set, nearest) in sets.iter().zip(found) {
                let expected: BTreeSet<&str> =
                    plainly(&graph, set).into_iter().map(|at| &*names[at]).collect();
                assert_eq!(nearest.len(), expected.len(), "none is named twice");
                assert_eq!(nearest.into_iter().collect::<BTreeSet<_>>(), expected, "below {set:?}");
            }
        }
        assert!(several > 100, "{several}");
    }
}
