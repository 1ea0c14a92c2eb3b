//! `dvt lint --fix`: small edits of the text that mend what has one safe way out. Comments and layout stay.
//!
//! An edit is kept only where the plan is better after it than before: fewer errors, or as many and fewer warnings. So a
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
use std::collections::BTreeSet;
use std::ops::Range;

/// Edits that are tried for one document.
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

/// Mends a text as far as it can be mended.
pub fn repair(source: &Source) -> Repaired {
    let mut text = source.text.clone();
    let mut done = Vec::new();
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut best = worth(&text);
    // What other programs read as JSON stays JSON.
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let was_json = is_json(&text);
    for _ in 0..MOST_TRIALS {
        let Some(edit) = next(&text, &refused) else { break };
        let tried = apply(&text, &edit);
        let after = worth(&tried);
        if after < best && (!was_json || is_json(&tried)) {
            (text, best) = (tried, after);
            done.push(edit.what);
        } else {
            refused.insert(edit.what);
        }
    }
    Repaired { text, done }
}

fn next(text: &str, refused: &BTreeSet<String>) -> Option<Edit> {
    let texts = Texts::default();
    let root = read::read(&mut Collector::new(text), &texts)?;
    // What an alias stands for is read elsewhere, too, where nobody asked for the change.
    let shared = read::shared(text);
    let is_own = |edit: &Edit| {
        !edit.parts.iter().any(|(part, _)| shared.iter().any(|place| meets(part, &range(*place))))
    };
    let mut edits = FINDERS.iter().flat_map(|find| find(text, &root));
    edits.find(|edit| !refused.contains(&edit.what) && is_own(edit))
}

/// Whether a part of an edit changes something of a place; what is put in at its border does not.
fn meets(part: &Range<usize>, place: &Range<usize>) -> bool {
    part.start < place.end && part.end > place.start
}

/// Errors, then everything that is noticed; less is better. A text that cannot be read is worst.
fn worth(text: &str) -> (usize, usize) {
    let texts = Texts::default();
    let mut sink = Collector::new(text);
    let Some(root) = read::read(&mut sink, &texts) else { return (usize::MAX, usize::MAX) };
    let surroundings = Surroundings::default();
    let session = Session::new(surroundings.sub_plans, surroundings.reach, false);
    compile::compile(&root, Mode::Written, "", &session, &mut sink);
    let security = security::check(&Source { name: String::new(), text: text.to_owned() }).len();
    (sink.errors(), sink.noticed() + security)
}

fn apply(text: &str, edit: &Edit) -> String {
    let mut parts = edit.parts.clone();
    parts.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    let mut out = text.to_owned();
    for (range, with) in parts {
        if out.get(range.clone()).is_some() {
            out.replace_range(range, &with);
        }
    }
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
