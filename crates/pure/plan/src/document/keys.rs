//! Keys of a mapping against the table of its family, and values of the simple types.
//!
//! A key that is not ours is answered in this order: a word of another dialect with our word, a word of the language
//! that is not built yet with what to do, anything else with the nearest spelling and the legal keys.

use super::{Mode, Reader};
use super::{dialect, later};
use crate::Reach;
use crate::diagnostic::codes::{self, Code};
use crate::diagnostic::collector::{Report, shown};
use crate::diagnostic::nearest;
use crate::read::tree::{Entry, Kind, Node, Place};
use crate::template;

/// The keys of one family of mappings.
#[derive(Debug)]
pub(crate) struct Family {
    /// What has these keys, with its article: `a step`.
    pub(crate) what: &'static str,
    /// The keys.
    pub(crate) keys: &'static [&'static str],
    /// Which of the tables of other words apply.
    pub(crate) level: Level,
}

/// Where a word stands decides what is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Keys of the plan.
    Plan,
    /// Keys of a step.
    Step,
    /// Keys of smaller mappings.
    Inner,
}

impl Reader<'_, '_> {
    /// Something of another type or form than expected.
    pub(crate) fn wrong(&mut self, place: Place, key: &str, expected: &str, found: &Node<'_>) {
        let what = match &found.kind {
            Kind::Text(text) => shown(text),
            Kind::Number(number) => format!("`{number}`"),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Null | Kind::List(_) | Kind::Map(_) => found.type_name().to_owned(),
        };
        let mut report =
            Report::error(codes::WRONG_SHAPE, place, format!("{} takes {expected}, not {what}", shown(key)));
        if let Kind::Text(text) = &found.kind
            && expected.contains("`true`")
            && let Some(word) = old_boolean(text)
        {
            report =
                report.why("in YAML 1.2 only `true` and `false` are booleans").fix(format!("{key}: {word}"));
        }
        self.sink.add(report);
    }

    /// A report with a code and a place.
    pub(crate) fn error(&mut self, code: Code, place: Place, message: impl Into<String>) {
        self.sink.add(Report::error(code, place, message));
    }

    /// The entries of a mapping.
    pub(crate) fn mapping<'n>(
        &mut self,
        key: &str,
        place: Place,
        node: &'n Node<'n>,
    ) -> Option<&'n [Entry<'n>]> {
        let entries = node.as_map();
        if entries.is_none() {
            self.wrong(or(node.place, place), key, "a mapping", node);
        }
        entries
    }

    /// The entries of a mapping whose keys belong to a family; other keys are answered and left out.
    pub(crate) fn family<'n>(
        &mut self,
        key: &str,
        place: Place,
        node: &'n Node<'n>,
        family: &Family,
    ) -> Option<Vec<&'n Entry<'n>>> {
        let entries = self.mapping(key, place, node)?;
        Some(entries.iter().filter(|entry| self.is_known(entry, family)).collect())
    }

    fn is_known(&mut self, entry: &Entry<'_>, family: &Family) -> bool {
        if is_one_of(family.keys, entry.name()) {
            return true;
        }
        let place = entry.place;
        if let Some((ours, advice)) = dialect::answer(entry.key, family.level) {
            let message = format!("{} is a word of another dialect; here it is `{ours}`", shown(entry.key));
            self.sink.add(Report::error(codes::OTHER_DIALECT, place, message).fix(advice));
        } else if let Some(advice) = later::answer(entry.key, family.level) {
            let message = format!("{} is not built yet", shown(entry.key));
            self.sink.add(Report::error(codes::NOT_YET, place, message).fix(advice));
        } else {
            // Comparing spellings is the costly part, and nobody is shown the hundred-and-first.
            let legal = if self.sink.has_room() { family.keys } else { &[] };
            self.sink.add_error(|| {
                let message = format!("{} has no key {}", family.what, shown(entry.key));
                let near = nearest::nearest(entry.key, legal.iter().copied());
                let choices = nearest::ordered(entry.key, legal.iter().copied());
                Report::error(codes::UNKNOWN_KEY, place, message).did_you_mean(near).choices(choices)
            });
        }
        false
    }

    /// A word that was read and checked, and that this release does not do yet.
    pub(crate) fn not_run(&mut self, entry: &Entry<'_>, level: Level) {
        if self.reach == Reach::Language {
            return;
        }
        if let Some(advice) = later::answer(entry.key, level) {
            let message = format!("{} is not built yet", shown(entry.key));
            self.sink.add(Report::error(codes::NOT_YET, entry.place, message).fix(advice));
        }
    }

    /// Whether a stored document is read.
    pub(crate) fn is_canonical(&self) -> bool {
        self.mode == Mode::Canonical
    }

    /// A string without expressions.
    pub(crate) fn literal<'n>(&mut self, entry: &'n Entry<'n>) -> Option<&'n str> {
        let Some(text) = entry.value.as_text() else {
            self.wrong(or(entry.value.place, entry.place), entry.key, "a string", &entry.value);
            return None;
        };
        if text.contains(template::OPEN) {
            crate::check::literals::refuse(self.sink, &entry.value, &format!("`{}`", entry.key), None);
            return None;
        }
        Some(text)
    }

    /// A string that people read: any text.
    pub(crate) fn words(&mut self, entry: &Entry<'_>) -> Option<String> {
        self.literal(entry).map(str::to_owned)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, entry: &Entry<'_>) -> Option<bool> {
        if let Kind::Bool(value) = entry.value.kind {
            return Some(value);
        }
        self.wrong(or(entry.value.place, entry.place), entry.key, "`true` or `false`", &entry.value);
        None
    }

    /// An integer within limits.
    pub(crate) fn integer(&mut self, entry: &Entry<'_>, least: u64, most: u64) -> Option<u64> {
        self.integer_node(entry.key, &entry.value, entry.place, least, most)
    }

    /// An integer within limits, wherever it stands.
    pub(crate) fn integer_node(
        &mut self,
        key: &str,
        node: &Node<'_>,
        place: Place,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        let place = or(node.place, place);
        let Kind::Number(number) = &node.kind else {
            self.wrong(place, key, &format!("an integer from {least} to {most}"), node);
            return None;
        };
        let value = number.as_u64().filter(|value| (least..=most).contains(value));
        if value.is_none() {
            let message = format!("{} takes an integer from {least} to {most}, not `{number}`", shown(key));
            self.error(codes::OUT_OF_LIMITS, place, message);
        }
        value
    }

    /// One of a few words.
    pub(crate) fn one_of<T: Copy>(&mut self, entry: &Entry<'_>, words: &[(&'static str, T)]) -> Option<T> {
        let text = entry.value.as_text().unwrap_or_default();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let names = words.iter().map(|(word, _)| *word);
        let list = names.clone().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let found =
            if entry.value.as_text().is_some() { shown(text) } else { entry.value.type_name().to_owned() };
        let message = format!("{} takes one of {list}, not {found}", shown(entry.key));
        let report = Report::error(codes::WRONG_SHAPE, or(entry.value.place, entry.place), message);
        let report = report.did_you_mean(nearest::nearest(text, names.clone()));
        self.sink.add(report.choices(nearest::ordered(text, names)));
        None
    }

    /// A list of literal strings, or one of them.
    pub(crate) fn strings(&mut self, entry: &Entry<'_>) -> Vec<(String, Place)> {
        self.texts(entry).into_iter().map(|(text, place)| (text.to_owned(), place)).collect()
    }

    /// The same, as they stand in the document.
    pub(crate) fn texts<'n>(&mut self, entry: &'n Entry<'n>) -> Vec<(&'n str, Place)> {
        let items = match &entry.value.kind {
            Kind::List(items) => &**items,
            Kind::Text(_) => std::slice::from_ref(&entry.value),
            _ => {
                let expected = "a list of strings";
                self.wrong(or(entry.value.place, entry.place), entry.key, expected, &entry.value);
                return Vec::new();
            }
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            match item.as_text() {
                Some(text) if text.contains(template::OPEN) => {
                    crate::check::literals::refuse(self.sink, item, &format!("`{}`", entry.key), None);
                }
                Some(text) => found.push((text, item.place)),
                None => self.wrong(or(item.place, entry.place), entry.key, "a list of strings", item),
            }
        }
        found
    }
}

/// Whether a word is one of a list. Most are told apart by their first letters, without a call.
pub(crate) fn is_one_of(words: &[&str], word: &str) -> bool {
    let first = word.bytes().next();
    words.iter().any(|known| known.len() == word.len() && known.bytes().next() == first && *known == word)
}

/// The first place that is one; values that are left empty have none of their own.
pub(crate) fn or(place: Place, otherwise: Place) -> Place {
    if place.end > place.start { place } else { otherwise }
}

fn old_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" | "true" => Some(true),
        "no" | "n" | "off" | "false" => Some(false),
        _ => None,
    }
}
