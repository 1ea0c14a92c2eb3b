//! The texts that are kept: for each thing that was seen in the program, the shortest text that shows it.
//!
//! A thing seen is an edge and how often it was passed, in eight steps. A text that is no longer the shortest for anything
//! goes.

use crate::chance::Chance;

/// Texts that were kept last and are taken half of the time.
const NEWEST: usize = 48;

/// The pool.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    texts: Vec<Option<Vec<u8>>>,
    /// For how many things a text is the shortest.
    owned: Vec<usize>,
    live: Vec<usize>,
    /// By edge and step: the text, one added, so that 0 is none.
    owners: Vec<usize>,
    /// Things that were seen.
    pub(crate) features: usize,
    /// Edges that were passed.
    pub(crate) edges: usize,
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
            }
            match self.owners.get(feature).copied().unwrap_or_default() {
                0 => {
                    let of_edge = self.owners.get(edge * 8..edge * 8 + 8).unwrap_or_default();
                    edges += usize::from(of_edge.iter().all(|owner| *owner == 0));
                    is_new = true;
                    wins.push(feature);
                }
                owner if self.length(owner - 1) > text.len() => wins.push(feature),
                _ => {}
            }
        }
        if wins.is_empty() {
            return false;
        }
        let here = self.texts.len();
        self.edges += edges;
        self.texts.push(Some(text.to_vec()));
        self.owned.push(wins.len());
        self.live.push(here);
        let mut lost = false;
        for feature in wins {
            let Some(owner) = self.owners.get_mut(feature) else { continue };
            match std::mem::replace(owner, here + 1) {
                0 => self.features += 1,
                before => {
                    if let Some(owned) = self.owned.get_mut(before - 1) {
                        *owned -= 1;
                        lost |= *owned == 0;
                    }
                }
            }
        }
        if lost {
            let (owned, texts) = (&self.owned, &mut self.texts);
            self.live.retain(|at| {
                let stays = owned.get(*at).is_some_and(|owned| *owned > 0);
                if let Some(text) = texts.get_mut(*at).filter(|_| !stays) {
                    *text = None;
                }
                stays
            });
        }
        is_new
    }

    fn length(&self, at: usize) -> usize {
        self.texts.get(at).and_then(Option::as_ref).map_or(0, Vec::len)
    }

    /// One of the texts; half of the time one of those that were kept last.
    pub(crate) fn pick(&self, chance: &mut Chance) -> &[u8] {
        let from = if chance.below(2) == 0 { self.live.len().saturating_sub(NEWEST) } else { 0 };
        let at = chance.one_of(self.live.get(from..).unwrap_or_default()).copied().unwrap_or_default();
        self.texts.get(at).and_then(Option::as_deref).unwrap_or_default()
    }

    /// All of them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.live.iter().filter_map(|at| self.texts.get(*at)?.as_deref())
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

    #[test]
    fn the_shortest_text_for_each_thing_stays() {
        let mut pool = Pool::default();
        assert!(pool.offer(b"long", &[(0, 1), (1, 1)]));
        assert!(!pool.offer(b"longer", &[(0, 1)]), "nothing new, and not shorter");
        assert!(!pool.offer(b"abc", &[(0, 1)]), "shorter, and nothing new");
        assert_eq!((pool.texts().count(), pool.features, pool.edges), (2, 2, 2));
        assert!(!pool.offer(b"ab", &[(1, 1)]));
        assert_eq!(pool.texts().collect::<Vec<_>>(), [b"abc".as_slice(), b"ab"]);
        assert!(pool.offer(b"much longer", &[(1, 9)]), "the same edge more often");
        assert_eq!((pool.features, pool.edges), (3, 2));
    }
}
