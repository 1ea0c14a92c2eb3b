//! The texts that are kept: for each thing that was seen in the program, the shortest text that shows it.
//!
//! A thing seen is an edge and how often it was passed, in eight steps. A text that is no longer the shortest for anything
//! goes. What is changed next is drawn by things, not by texts: an edge that was met lately, or the rarest of a few things.

use crate::chance::Chance;
use std::collections::BTreeSet;

/// Things of which the rarest is taken.
const DRAWN: usize = 8;
/// Edges that were met last.
const NEWEST: usize = 24;

/// A text that is kept.
#[derive(Debug)]
struct Kept {
    text: Vec<u8>,
    /// For how many things it is the shortest.
    owned: usize,
}

/// The pool.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// What went is an empty place.
    kept: Vec<Option<Kept>>,
    /// By edge and step: the text, one added, so that 0 is none.
    owners: Vec<usize>,
    /// By edge and step: how many texts showed it.
    hits: Vec<u32>,
    /// Edges and steps that were seen.
    seen: Vec<usize>,
    /// Of these, the first of each edge, in the order in which edges were met.
    firsts: Vec<usize>,
    /// Texts that nobody asked yet, and those of which not everything was asked.
    fresh: BTreeSet<usize>,
    again: BTreeSet<usize>,
    /// Edges that were passed.
    pub(crate) edges: usize,
}

/// Which text is asked next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Next {
    /// The one with the edge that was met last, or the newest.
    Edge,
    Newest,
    Oldest,
    Again,
}

impl Pool {
    /// Takes a text if it shows something new, or something known in fewer bytes; whether it was new.
    pub(crate) fn offer(&mut self, text: &[u8], seen: &[(usize, u8)]) -> bool {
        let mut wins = Vec::new();
        let (mut is_new, mut edges) = (false, 0);
        for (edge, passed) in seen {
            let feature = edge * 8 + step(*passed);
            if self.owners.len() <= edge * 8 + 7 {
                self.owners.resize(edge * 8 + 8, 0);
                self.hits.resize(edge * 8 + 8, 0);
            }
            if let Some(hits) = self.hits.get_mut(feature) {
                *hits = hits.saturating_add(1);
            }
            match self.owners.get(feature).copied().unwrap_or_default() {
                0 => {
                    let of_edge = self.owners.get(edge * 8..edge * 8 + 8).unwrap_or_default();
                    if of_edge.iter().all(|owner| *owner == 0) {
                        edges += 1;
                        self.firsts.push(feature);
                    }
                    is_new = true;
                    self.seen.push(feature);
                    wins.push(feature);
                }
                owner if self.text(owner - 1).len() > text.len() => wins.push(feature),
                _ => {}
            }
        }
        if wins.is_empty() {
            return false;
        }
        let here = self.kept.len();
        self.edges += edges;
        self.kept.push(Some(Kept { text: text.to_vec(), owned: wins.len() }));
        self.fresh.insert(here);
        for feature in wins {
            let Some(owner) = self.owners.get_mut(feature) else { continue };
            let before = std::mem::replace(owner, here + 1);
            if before > 0 {
                self.lose(before - 1);
            }
        }
        is_new
    }

    /// A text is no longer the shortest for one thing.
    fn lose(&mut self, at: usize) {
        let Some(slot) = self.kept.get_mut(at) else { return };
        let Some(kept) = slot else { return };
        kept.owned -= 1;
        if kept.owned == 0 {
            *slot = None;
            self.asked(at);
        }
    }

    /// It needs no asking any more.
    fn asked(&mut self, at: usize) {
        self.fresh.remove(&at);
        self.again.remove(&at);
    }

    /// Not everything was asked.
    pub(crate) fn ask_again(&mut self, at: usize) {
        if self.kept.get(at).is_some_and(Option::is_some) {
            self.again.insert(at);
        }
    }

    fn text(&self, at: usize) -> &[u8] {
        self.kept.get(at).and_then(Option::as_ref).map_or(&[], |kept| &kept.text)
    }

    /// Things that were seen.
    pub(crate) fn features(&self) -> usize {
        self.seen.len()
    }

    /// The shortest text for a thing: for one of the edges that were met last, for one of the rarer things, or for any.
    pub(crate) fn pick(&self, chance: &mut Chance) -> &[u8] {
        let newest = self.firsts.get(self.firsts.len().saturating_sub(NEWEST)..).unwrap_or_default();
        let feature = match chance.below(3) {
            0 => chance.one_of(newest).copied(),
            1 => {
                let drawn = (0..DRAWN).filter_map(|_| chance.one_of(&self.seen).copied());
                drawn.min_by_key(|feature| self.hits.get(*feature).copied().unwrap_or_default())
            }
            _ => chance.one_of(&self.seen).copied(),
        };
        let owner = feature.and_then(|feature| self.owners.get(feature)).copied().unwrap_or_default();
        owner.checked_sub(1).map_or(&[], |at| self.text(at))
    }

    /// A text that nobody asked yet, or not everything, and where it is; from now on it counts as asked.
    pub(crate) fn unasked(&mut self, next: Next, chance: &mut Chance) -> Option<(usize, Vec<u8>)> {
        let of_edge = || {
            let newest = self.firsts.iter().rev().take(NEWEST);
            let mut owners = newest.filter_map(|feature| self.owners.get(*feature)?.checked_sub(1));
            let owner = owners.find(|owner| self.fresh.contains(owner))?;
            self.fresh.get(&owner)
        };
        let fresh = match next {
            Next::Edge => of_edge().or(self.fresh.last()),
            Next::Newest => self.fresh.last(),
            Next::Oldest => self.fresh.first(),
            Next::Again => None,
        };
        let from = chance.below(self.kept.len());
        let again = || self.again.range(from..).next().or(self.again.first());
        let at = fresh.or_else(again).or(self.fresh.first()).copied()?;
        let text = self.text(at).to_vec();
        self.asked(at);
        Some((at, text))
    }

    /// All texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.kept.iter().flatten().map(|kept| kept.text.as_slice())
    }
}

/// How often, in steps.
fn step(passed: u8) -> usize {
    match passed {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4..8 => 3,
        8..16 => 4,
        16..32 => 5,
        32..128 => 6,
        128.. => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pool: &Pool) -> Vec<&[u8]> {
        pool.texts().collect()
    }

    #[test]
    fn the_shortest_text_for_each_thing_stays() {
        let mut pool = Pool::default();
        assert!(pool.offer(b"long", &[(0, 1), (1, 1)]));
        assert!(!pool.offer(b"longer", &[(0, 1)]), "nothing new, and not shorter");
        assert!(!pool.offer(b"abc", &[(0, 1)]), "shorter, and nothing new");
        assert_eq!((texts(&pool).len(), pool.features(), pool.edges), (2, 2, 2));
        assert!(!pool.offer(b"ab", &[(1, 1)]));
        assert_eq!(texts(&pool), [b"abc".as_slice(), b"ab"]);
        assert!(pool.offer(b"much longer", &[(1, 9)]), "the same edge more often");
        assert_eq!((pool.features(), pool.edges), (3, 2));
    }

    #[test]
    fn rare_things_are_drawn_more_often_than_common_ones() {
        let mut pool = Pool::default();
        pool.offer(b"common", &[(0, 1)]);
        pool.offer(b"rare", &[(1, 1)]);
        for _ in 0..100 {
            pool.offer(b"common too", &[(0, 1)]);
        }
        let mut chance = Chance::new(1);
        let rare = (0..3_000).filter(|_| pool.pick(&mut chance) == b"rare").count();
        assert!((1_800..2_200).contains(&rare), "nearly all of a third and half of the rest: {rare}");
    }

    #[test]
    fn each_text_is_asked_once_and_one_that_went_is_not() {
        let (mut pool, mut chance) = (Pool::default(), Chance::new(1));
        pool.offer(b"oldest", &[(0, 1)]);
        pool.offer(b"gone", &[(1, 1)]);
        pool.offer(b"go", &[(1, 1)]);
        pool.offer(b"edge", &[(3, 1)]);
        pool.offer(b"newest", &[(3, 4)]);
        let mut ask = |pool: &mut Pool, next| pool.unasked(next, &mut chance);
        assert_eq!(ask(&mut pool, Next::Edge).unwrap().1, b"edge");
        let (at, text) = ask(&mut pool, Next::Newest).unwrap();
        assert_eq!(text, b"newest");
        assert_eq!(ask(&mut pool, Next::Again).unwrap().1, b"oldest", "where nothing is asked again");
        pool.ask_again(at);
        assert_eq!(ask(&mut pool, Next::Again).unwrap().1, b"newest");
        assert_eq!(ask(&mut pool, Next::Oldest).unwrap().1, b"go");
        assert_eq!(ask(&mut pool, Next::Oldest), None);
    }
}
