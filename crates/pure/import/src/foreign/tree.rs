//! YAML as a tree in which every value knows its line and column.
//!
//! Budgets are those of a plan: 8 MiB, 64 levels, and a number of values that aliases are counted into, so that a bomb is
//! refused while it is read. Merge keys are followed one level; a repeated key keeps its first value, and the others are told.

use crate::Error;
use granit_parser::{Event, Parser, ScalarStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const MAX_BYTES: usize = 8 << 20;
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;

/// Line and column, both from 1, and the bytes of what stands there; those of a key end with its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

impl Place {
    /// The place of a part that a text of the document says there: where the word begins, or else the first that begins so. The
    /// place itself where the part is written otherwise.
    pub(crate) fn of(self, part: &str, document: &str) -> Self {
        let Some(raw) = document.get(self.from..self.to).filter(|_| !part.is_empty()) else { return self };
        let in_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        let is_whole = |at: &usize| {
            let before = raw.get(..*at).and_then(|before| before.chars().next_back());
            let behind = raw.get(at + part.len()..).and_then(|behind| behind.chars().next());
            let continues = |letter: Option<char>, edge: Option<char>| {
                letter.is_some_and(in_word) && edge.is_some_and(in_word)
            };
            !continues(before, part.chars().next()) && !continues(behind, part.chars().next_back())
        };
        let all = || raw.match_indices(part).map(|(at, _)| at);
        let Some(at) = all().find(is_whole).or_else(|| all().next()) else { return self };
        let before = raw.get(..at).unwrap_or_default();
        let from = self.from + at;
        let column = match before.rsplit_once('\n') {
            Some((_, line)) => line.chars().count() + 1,
            None => self.column + before.chars().count(),
        };
        let line = self.line + before.matches('\n').count();
        Self { line, column, from, to: from + part.len() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// A value and where it begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// What a value is. Every scalar keeps its text; whether it was plain tells `true` from `"true"`.
#[derive(Debug, Clone, Default)]
pub(crate) enum Kind {
    #[default]
    Null,
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Tree>),
    Map(Vec<(String, Place, Tree)>),
}

impl Tree {
    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree> {
        self.entries()
            .iter()
            .find(|(name, ..)| name == key)
            .map(|(.., value)| value)
            .filter(|tree| !tree.is_null())
    }

    /// The place of a key, up to the end of its value; that of the whole where there is no such key.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.entries().iter().find(|(name, ..)| name == key).map_or(self.place, |(_, place, _)| *place)
    }

    /// What it says first: its text, or its first key.
    pub(crate) fn begins(&self) -> &str {
        self.text().or_else(|| self.entries().first().map(|(key, ..)| key.as_str())).unwrap_or_default()
    }

    /// The value at the end of keys.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<&Tree> {
        keys.iter().try_fold(self, |tree, key| tree.get(key))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    pub(crate) fn entries(&self) -> &[(String, Place, Tree)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            Kind::Null | Kind::Scalar { .. } | Kind::List(_) => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Tree] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Scalar { .. } | Kind::Map(_) => &[],
        }
    }

    /// The items of a list, or the one value that stands where a list may.
    pub(crate) fn one_or_more(&self) -> Vec<&Tree> {
        match &self.kind {
            Kind::Null => Vec::new(),
            Kind::List(items) => items.iter().collect(),
            Kind::Scalar { .. } | Kind::Map(_) => vec![self],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The text under a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Tree::text)
    }

    /// Whether it says `true`, quoted or not, as most products read it.
    pub(crate) fn is_true(&self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// The value as JSON: plain words by the core schema, everything else a string. A number may be one that no plan keeps.
    pub(crate) fn json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar { text, is_plain: true } => plain(text),
            Kind::Scalar { text, is_plain: false } => Value::from(text.as_str()),
            Kind::List(items) => items.iter().map(Tree::json).collect(),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(key, _, value)| (key.clone(), value.json())).collect())
            }
        }
    }
}

fn plain(text: &str) -> serde_json::Value {
    use serde_json::Value;
    match text {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        // `010` and `+1` are numbers of YAML and would not be written again as they stand.
        _ => match serde_json::from_str::<Value>(text) {
            Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
            _ => Value::from(text),
        },
    }
}

/// A collection that is not closed yet.
enum Open {
    List(Place, usize, Vec<Tree>),
    Map(Place, usize, Vec<(String, Place, Tree)>, Option<(String, Place)>),
}

/// What a text holds.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) documents: Vec<Tree>,
    /// Keys that an object has already, each where it stands again.
    pub(crate) repeated: Vec<(String, Place)>,
}

/// Reads all documents of a text.
pub(crate) fn read(text: &str) -> Result<Read, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(Error::Yaml("it is larger than 8 MiB".to_owned()));
    }
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut reader = Reader::default();
    for item in Parser::new_from_str_with_options(text, options) {
        let (event, span) = item.map_err(|error| {
            let marker = error.marker();
            Error::Yaml(format!("{} at {}:{}", error.info(), marker.line(), marker.col() + 1))
        })?;
        let bytes = span.byte_range().unwrap_or_default();
        let (line, column) = (span.start.line(), span.start.col() + 1);
        let place = Place { line, column, from: bytes.start, to: bytes.end };
        reader.take(event, place)?;
    }
    Ok(reader.read)
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    /// What an anchor stands for, its size and its height.
    anchored: BTreeMap<usize, (Tree, usize, usize)>,
    read: Read,
    nodes: usize,
}

impl Reader {
    fn charge(&mut self, nodes: usize) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(Error::Yaml(format!("it has more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.charge(1)?;
                let is_plain = style == ScalarStyle::Plain;
                let kind = match text.as_ref() {
                    "" | "~" | "null" | "Null" | "NULL" if is_plain => Kind::Null,
                    text => Kind::Scalar { text: text.to_owned(), is_plain },
                };
                if let (Some(Open::Map(.., key @ None)), Kind::Null) = (self.open.last_mut(), &kind) {
                    *key = Some((text.to_string(), place));
                    return Ok(());
                }
                self.settle(Tree { place, kind }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push(Open::List(place, anchor, Vec::new()));
                self.charge(1)
            }
            Event::MappingStart(_, anchor, _) => {
                self.open.push(Open::Map(place, anchor, Vec::new(), None));
                self.charge(1)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(begin, anchor, items)) => {
                    let place = Place { to: place.to.max(begin.to), ..begin };
                    self.settle(Tree { place, kind: Kind::List(items) }, anchor)
                }
                Some(Open::Map(begin, anchor, entries, _)) => {
                    let place = Place { to: place.to.max(begin.to), ..begin };
                    let kind = Kind::Map(merged(self.once(entries)));
                    self.settle(Tree { place, kind }, anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some((tree, nodes, height)) = self.anchored.get(&anchor).cloned() else {
                    return Err(Error::Yaml(format!("an alias without its anchor at {place}")));
                };
                self.charge(nodes)?;
                if self.open.len() + height > MAX_DEPTH {
                    return Err(Error::Yaml(format!("more than {MAX_DEPTH} levels at {place}")));
                }
                self.settle(Tree { place, kind: tree.kind }, 0)
            }
            _ => Ok(()),
        }
    }

    fn settle(&mut self, tree: Tree, anchor: usize) -> Result<(), Error> {
        if anchor != 0 {
            let (nodes, height) = measure(&tree);
            self.charge(nodes)?;
            self.anchored.insert(anchor, (tree.clone(), nodes, height));
        }
        match self.open.last_mut() {
            None => self.read.documents.push(tree),
            Some(Open::List(.., items)) => items.push(tree),
            Some(Open::Map(.., entries, key)) => match key.take() {
                Some((name, place)) => {
                    let place = Place { to: tree.place.to.max(place.to), ..place };
                    entries.push((name, place, tree));
                }
                None => *key = Some((tree.text().unwrap_or_default().to_owned(), tree.place)),
            },
        }
        Ok(())
    }

    /// The first of each key.
    fn once(&mut self, entries: Vec<(String, Place, Tree)>) -> Vec<(String, Place, Tree)> {
        let mut order: Vec<(&str, usize)> =
            entries.iter().enumerate().map(|(nth, (key, ..))| (key.as_str(), nth)).collect();
        order.sort_unstable();
        let again: BTreeSet<usize> = order
            .windows(2)
            .filter_map(|pair| match pair {
                [(before, _), (key, nth)] if before == key => Some(*nth),
                _ => None,
            })
            .collect();
        if again.is_empty() {
            return entries;
        }
        let (again, once): (Vec<_>, Vec<_>) =
            entries.into_iter().enumerate().partition(|(nth, _)| again.contains(nth));
        self.read.repeated.extend(again.into_iter().map(|(_, (key, place, _))| (key, place)));
        once.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// Values and height of a tree; depth was bounded while it was read.
fn measure(tree: &Tree) -> (usize, usize) {
    let below: Vec<&Tree> = match &tree.kind {
        Kind::Null | Kind::Scalar { .. } => Vec::new(),
        Kind::List(items) => items.iter().collect(),
        Kind::Map(entries) => entries.iter().map(|(.., value)| value).collect(),
    };
    let each = below.into_iter().map(measure);
    each.fold((1, 1), |(nodes, height), (more, below)| (nodes + more, height.max(below + 1)))
}

/// `<<: *defaults`, as YAML 1.1 had it: own keys win.
fn merged(entries: Vec<(String, Place, Tree)>) -> Vec<(String, Place, Tree)> {
    if !entries.iter().any(|(key, ..)| key == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, ..)| key == "<<");
    for (.., source) in &merges {
        for source in source.one_or_more() {
            for (key, place, value) in source.entries() {
                if !own.iter().any(|(known, ..)| known == key) {
                    own.push((key.clone(), *place, value.clone()));
                }
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_places() {
        let Read { documents, repeated } = read("a: 1\nb:\n  - x\n  - 'true'\n---\nc: {d: ~}\n").unwrap();
        assert_eq!((documents.len(), repeated.len()), (2, 0));
        let b = documents[0].get("b").unwrap();
        assert_eq!(b.items()[1].place, Place { line: 4, column: 5, from: 18, to: 24 });
        assert_eq!(documents[0].json(), serde_json::json!({"a": 1, "b": ["x", "true"]}));
        assert!(documents[1].at(&["c", "d"]).is_none());
    }

    #[test]
    fn a_key_that_comes_again_is_told_however_far_behind() {
        let far: String = (0..200).map(|nth| format!("k{nth}: {nth}\n")).collect();
        let text = format!("a: 1\n{far}a: 2\nb: {{c: 1, c: 2, c: 3, d: 4}}\n");
        let Read { documents, repeated } = read(&text).unwrap();
        let places: Vec<_> = repeated.iter().map(|(key, place)| format!("{key} {place}")).collect();
        assert_eq!(places, ["c 203:11", "c 203:17", "a 202:1"]);
        assert_eq!(documents[0].text_of("a"), Some("1"));
        assert_eq!(documents[0].get("b").unwrap().json(), serde_json::json!({"c": 1, "d": 4}));
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..40 {
            bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(8 << 20)).is_err());
        assert!(read("a: *a").is_err() && read("a: &a [*a]").is_err());
        let merged = read("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}").unwrap();
        assert_eq!(merged.documents[0].get("y").unwrap().json(), serde_json::json!({"a": 1, "b": 3}));
    }
}
