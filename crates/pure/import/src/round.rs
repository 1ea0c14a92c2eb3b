//! Things that wait for each other: no plan has such a round, so a document with one is refused, by the names on the way.

use crate::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// What each thing waits for.
pub(crate) type Waits<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The names of one round, the first of them in byte order at its beginning; none where everything can be begun in some order.
pub(crate) fn of<'a>(waits: &Waits<'a>) -> Option<Vec<&'a str>> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    let mut behind: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, needs) in waits {
        let known = needs.iter().filter(|need| waits.contains_key(*need));
        left.insert(name, known.clone().count());
        known.for_each(|need| behind.entry(need).or_default().push(name));
    }
    let mut ready: Vec<&str> = left.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = ready.pop() {
        left.remove(name);
        for other in behind.get(name).into_iter().flatten() {
            if let Some(count) = left.get_mut(other) {
                *count -= 1;
                if *count == 0 {
                    ready.push(other);
                }
            }
        }
    }
    // Whatever is left waits for something that is left, so going from one to the next comes back to where it was.
    let mut way: Vec<&str> = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut at = *left.keys().next()?;
    while seen.insert(at, way.len()).is_none() {
        way.push(at);
        at = waits.get(at)?.iter().find(|need| left.contains_key(*need))?;
    }
    let begin = way.iter().position(|name| *name == at)?;
    let mut round = way.split_off(begin);
    let first = round.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(nth, _)| nth);
    round.rotate_left(first);
    Some(round)
}

/// Letters of a round that are told.
const MOST_TOLD: usize = 300;

/// The refusal of a round; `place` is where its first name says what it waits for.
pub(crate) fn refused(things: &'static str, round: &[&str], place: impl Display) -> Error {
    let whole = round.iter().chain(round.first()).copied().collect::<Vec<_>>().join(" → ");
    let mut told: String = whole.chars().take(MOST_TOLD).collect();
    if told.len() < whole.len() {
        told.push('…');
    }
    Error::Round { things, round: told, place: place.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &'static str) -> Option<Vec<&'static str>> {
        let mut waits = Waits::new();
        for line in text.split_whitespace() {
            let (name, needs) = line.split_once(':').unwrap();
            waits.insert(name, needs.split(',').filter(|need| !need.is_empty()).collect());
        }
        of(&waits)
    }

    #[test]
    fn a_round_is_found_wherever_it_is_and_nothing_else_is_one() {
        for text in ["", "a:", "a: b:a c:a,b d:b,c", "a:elsewhere b:a"] {
            assert_eq!(round(text), None, "{text}");
        }
        assert_eq!(round("a:a"), Some(vec!["a"]));
        assert_eq!(round("a:b b:a"), Some(vec!["a", "b"]));
        // What waits for a round, and what a round waits for, are not on it.
        assert_eq!(round("a:z b: c:d,b d:e,b e:c z:a1 a1:d"), Some(vec!["c", "d", "e"]));
    }

    #[test]
    fn a_long_round_is_cut() {
        let names: Vec<String> = (0..1_000).map(|nth| format!("t{nth:04}")).collect();
        let round: Vec<&str> = names.iter().map(String::as_str).collect();
        let told = refused("tasks", &round, "3:1").to_string();
        assert!(told.starts_with("tasks wait for each other: t0000 → t0001") && told.len() < 500, "{told}");
        assert!(told.ends_with("… (3:1)"), "{told}");
    }
}
