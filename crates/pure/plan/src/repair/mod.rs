//! `dvt lint --fix`: small edits of the text that mend what has one safe way out. Comments and layout stay.
//!
//! An edit is kept only where the plan is better after it than before: fewer errors, or the same and fewer warnings. So a
//! second repair finds nothing to do, and a wrong guess is never written.

mod command;
mod dialect;
mod expressions;
mod files;
mod permissions;
mod shell;

use crate::diagnostic::Source;
use crate::diagnostic::collector::Collector;
use crate::document::Mode;
use crate::read::texts::Texts;
use crate::read::tree::{Node, Place};
use crate::session::Session;
use crate::{Surroundings, compile, read, security};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Trials for one document, of one edit or of many at once.
const MOST_TRIALS: usize = 300;

/// What one repair did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The text after it.
    pub text: String,
    /// What was changed, in words.
    pub done: Vec<String>,
}

/// One change, in one or more places.
#[derive(Debug, Clone)]
struct Edit {
    what: String,
    parts: Vec<(Range<usize>, String)>,
}

/// Finds edits in a text and its tree.
type Finder = fn(&str, &Node<'_>) -> Vec<Edit>;

const FINDERS: &[Finder] = &[dialect::find, expressions::find, files::find, permissions::find];

/// Mends a text as far as it can be mended. Edits are tried many at once, and fewer where some of them are no good.
pub fn repair(source: &Source) -> Repaired {
    let mut text = source.text.clone();
    let mut done = Vec::new();
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut best = Worth::of(&text);
    // What other programs read as JSON stays JSON.
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let was_json = is_json(&text);
    let mut most = usize::MAX;
    for _ in 0..MOST_TRIALS {
        let edits = next(&text, &refused, most);
        if edits.is_empty() {
            break;
        }
        let tried = apply(&text, &edits);
        let after = Worth::of(&tried);
        if after.is_better_than(&best, edits.len()) && (!was_json || is_json(&tried)) {
            (text, best) = (tried, after);
            most = most.saturating_mul(2);
            done.extend(edits.into_iter().map(|edit| edit.what));
        } else if let [edit] = edits.as_slice() {
            refused.insert(edit.what.clone());
        } else {
            most = edits.len() / 2;
        }
    }
    Repaired { text, done }
}

/// Edits of one kind that can be made together, `most` of them at most.
fn next(text: &str, refused: &BTreeSet<String>, most: usize) -> Vec<Edit> {
    let texts = Texts::default();
    let Some(root) = read::read(&mut Collector::new(text), &texts) else { return Vec::new() };
    // What an alias stands for is read elsewhere, too, where nobody asked for the change.
    let shared = read::shared(text);
    let is_own = |edit: &Edit| {
        !edit.parts.iter().any(|(part, _)| shared.iter().any(|place| meets(part, &range(*place))))
    };
    let found = FINDERS.iter().map(|find| {
        let mut edits = find(text, &root);
        edits.retain(|edit| !refused.contains(&edit.what) && is_own(edit));
        apart(edits, most)
    });
    let mut found = found.skip_while(Vec::is_empty);
    found.next().unwrap_or_default()
}

/// Of these edits as many as neither meet nor touch each other, the first ones.
fn apart(edits: Vec<Edit>, most: usize) -> Vec<Edit> {
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for edit in edits {
        if kept.len() == most {
            break;
        }
        let touches = |(part, _): &(Range<usize>, String)| {
            taken.range(..=part.end).next_back().is_some_and(|(_, end)| *end >= part.start)
        };
        if !edit.parts.iter().any(touches) {
            taken.extend(edit.parts.iter().map(|(part, _)| (part.start, part.end)));
            kept.push(edit);
        }
    }
    kept
}

/// Whether a part of an edit changes something of a place; what is put in at its border does not.
fn meets(part: &Range<usize>, place: &Range<usize>) -> bool {
    part.start < place.end && part.end > place.start
}

/// What is told of a text; less is better.
struct Worth {
    errors: usize,
    noticed: usize,
    /// Errors of each code.
    codes: BTreeMap<&'static str, usize>,
}

impl Worth {
    /// A text that cannot be read is worst.
    fn of(text: &str) -> Self {
        let texts = Texts::default();
        let mut sink = Collector::new(text);
        let Some(root) = read::read(&mut sink, &texts) else {
            return Self { errors: usize::MAX, noticed: usize::MAX, codes: BTreeMap::new() };
        };
        let surroundings = Surroundings::default();
        let session = Session::new(surroundings.sub_plans, surroundings.reach, false);
        compile::compile(&root, Mode::Written, "", &session, &mut sink);
        let security = security::check(&Source { name: String::new(), text: text.to_owned() }).len();
        Self { errors: sink.errors(), noticed: sink.noticed() + security, codes: sink.error_codes() }
    }

    /// Whether so many edits made it better, each of them. One error in the place of another is no better; and of many edits none
    /// may hide behind what the others mend.
    fn is_better_than(&self, before: &Self, edits: usize) -> bool {
        let Some(mended) = before.errors.checked_sub(self.errors) else { return false };
        let has_new =
            self.codes.iter().any(|(code, count)| before.codes.get(code).is_none_or(|had| had < count));
        if mended == 0 {
            return !has_new && before.noticed.saturating_sub(self.noticed) >= edits;
        }
        mended >= edits && (edits == 1 || !has_new)
    }
}

/// The text with the edits made, whose parts do not meet.
fn apply(text: &str, edits: &[Edit]) -> String {
    let mut parts: Vec<&(Range<usize>, String)> = edits.iter().flat_map(|edit| &edit.parts).collect();
    parts.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, with) in parts {
        if range.start >= at && text.get(range.clone()).is_some() {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(with);
            at = range.end;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn range(place: Place) -> Range<usize> {
    place.start as usize..place.end as usize
}

/// The start of the line, and its indentation where nothing but blanks stands before `at`.
fn line_of(text: &str, at: usize) -> (usize, Option<&str>) {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1);
    let before = text.get(start..at).unwrap_or_default();
    (start, before.bytes().all(|byte| byte == b' ').then_some(before))
}

/// The place after the line break that ends the line of `at`.
fn after_line(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |found| at + found + 1)
}

/// How lines end in this text.
fn line_break(text: &str) -> &'static str {
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    if first.ends_with("\r\n") { "\r\n" } else { "\n" }
}
