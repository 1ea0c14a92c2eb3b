//! Where something stands in a JSON text: a key or an item, by the keys and numbers that lead to it.
//!
//! serde_json tells no places, and a manifest is megabytes of which an import names a few dozen spots. So the text is walked once
//! more, at the end, for these alone. It was read before: what is walked here is JSON, and nested no deeper than that reading allowed.
//! However many spots are wanted, it is one walk.

use crate::foreign::tree::Place;
use std::collections::BTreeMap;

/// One step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hop {
    /// The member of that name; its place is that of the key.
    Key(String),
    /// The item of that number.
    Item(usize),
    /// The value itself, where a pointer would end at its key.
    Value,
}

impl From<&str> for Hop {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Hop {
    fn from(item: usize) -> Self {
        Self::Item(item)
    }
}

/// From the whole document to the value.
pub(crate) type Pointer = Vec<Hop>;

/// The place of each; none where there is nothing.
pub(crate) fn places(text: &str, wanted: &[Pointer]) -> Vec<Option<Place>> {
    let ways = Ways::of(wanted);
    let mut walk = Walk { text, at: 0, found: vec![None; wanted.len()] };
    walk.value(Some(&ways));
    let mut order: Vec<(usize, usize)> =
        walk.found.iter().enumerate().filter_map(|(nth, at)| Some(((*at)?, nth))).collect();
    order.sort_unstable();
    let mut places = vec![None; wanted.len()];
    let (mut line, mut begin, mut from) = (1, 0, 0);
    for (at, nth) in order {
        for (index, _) in text.get(from..at).unwrap_or_default().match_indices('\n') {
            (line, begin) = (line + 1, from + index + 1);
        }
        from = at;
        let column = text.get(begin..at).unwrap_or_default().chars().count() + 1;
        if let Some(place) = places.get_mut(nth) {
            *place = Some(Place { line, column, from: at, to: at });
        }
    }
    places
}

/// The place of one; the beginning of the text where there is nothing.
pub(crate) fn place(text: &str, wanted: Pointer) -> Place {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let nowhere = Place { line: 1, column: 1, from: 0, to: 0 };
    places(text, &[wanted]).into_iter().next().flatten().unwrap_or(nowhere)
}

/// Where all the wanted go on from one value: a value lies on one way only, however many are wanted.
#[derive(Default)]
struct Ways {
    /// Those that end here.
    ends: Vec<usize>,
    on: BTreeMap<Hop, Ways>,
}

impl Ways {
    fn of(wanted: &[Pointer]) -> Self {
        let mut ways = Self::default();
        for (nth, pointer) in wanted.iter().enumerate() {
            let end = pointer.iter().fold(&mut ways, |way, hop| way.on.entry(hop.clone()).or_default());
            end.ends.push(nth);
        }
        ways
    }
}

struct Walk<'w> {
    text: &'w str,
    at: usize,
    found: Vec<Option<usize>>,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Past white space, commas, colons, and the mark that some put before a text.
    fn skip(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace() || b",:\xEF\xBB\xBF".contains(&byte))
        {
            self.at += 1;
        }
    }

    /// A value, and the ways on from it, where any wanted lies in it.
    fn value(&mut self, way: Option<&Ways>) {
        self.skip();
        self.hop(way, self.at, &Hop::Value);
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                loop {
                    self.skip();
                    let begin = self.at;
                    let Some(key) = self.string() else { break };
                    let inner = self.hop(way, begin, &Hop::Key(key));
                    self.value(inner);
                }
                self.at += 1;
            }
            Some(b'[') => {
                self.at += 1;
                for item in 0.. {
                    self.skip();
                    if matches!(self.peek(), None | Some(b']')) {
                        break;
                    }
                    let begin = self.at;
                    let inner = self.hop(way, begin, &Hop::Item(item));
                    self.value(inner);
                }
                self.at += 1;
            }
            Some(b'"') => drop(self.string()),
            _ => {
                while self.peek().is_some_and(|byte| !byte.is_ascii_whitespace() && !b",:]}".contains(&byte))
                {
                    self.at += 1;
                }
            }
        }
    }

    /// The way over a hop; those that end there have their place.
    fn hop<'t>(&mut self, way: Option<&'t Ways>, begin: usize, hop: &Hop) -> Option<&'t Ways> {
        let on = way?.on.get(hop)?;
        for nth in &on.ends {
            if let Some(found) = self.found.get_mut(*nth) {
                *found = Some(begin);
            }
        }
        Some(on)
    }

    /// A string, and what it says; nothing where none begins.
    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        if self.peek() != Some(b'"') {
            return None;
        }
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        serde_json::from_str(self.text.get(begin..self.at)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_items_are_found_where_they_stand() {
        let text = "\u{feff}{\n  \"a\\u0062\": [1, {\"ä\": {\"c\": null}, \"x\": \"]}\\\"\"}],\n\"é\": {\"d\": [[], {}, -1.5e3]} }";
        let pointer = |hops: &[Hop]| hops.to_vec();
        let wanted = [
            pointer(&["ab".into()]),
            pointer(&["ab".into(), 1.into(), "ä".into(), "c".into()]),
            pointer(&["é".into(), "d".into(), 2.into()]),
            pointer(&["é".into(), "nothing".into()]),
            pointer(&["ab".into(), 1.into(), "x".into()]),
            pointer(&["ab".into(), 0.into(), "x".into()]),
            pointer(&["ab".into(), 1.into(), "x".into(), Hop::Value]),
        ];
        let place = |line, column| Some((line, column));
        let found = places(text, &wanted).into_iter();
        let found: Vec<_> = found.map(|place| place.map(|place| (place.line, place.column))).collect();
        assert_eq!(found, [place(2, 3), place(2, 25), place(3, 21), None, place(2, 37), None, place(2, 42)]);
    }

    #[test]
    fn what_is_broken_ends_the_walk() {
        for text in ["", "{", "{\"a", "[[[[", "{\"a\":", "\"\\", "}", "{\"a\"]}", "[1,,]"] {
            assert_eq!(places(text, &[vec!["b".into()]]), [None], "{text}");
        }
    }
}
