//! What an import kept, and what it could not keep.

use crate::foreign::tree::Place;
use crate::pointer::{self, Pointer};
use crate::step::placed;
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that the plan does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// What kind of thing: the foreign format's word.
    pub what: String,
    /// Why, and what stands in its place.
    pub why: &'static str,
    /// Which ones, each `name at line:column`; the first [`Report::MOST_NAMED`] of them.
    pub named: Vec<String>,
    /// How many in all.
    pub count: u64,
}

/// The report of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Steps of the plan.
    pub steps: u64,
    /// Edges between them that the foreign document has.
    pub source_edges: u64,
    /// Steps that only say what is missing, and fail.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing: u64,
    /// What was not kept, in the order of the words.
    pub lost: Vec<Loss>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Report {
    /// The most of one kind that are named: more than any file of the corpus has, and few enough for one that was made to have many.
    pub const MOST_NAMED: usize = 10_000;
}

/// Gathers losses while a document is read.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    found: BTreeMap<(String, &'static str), (Vec<Named>, u64)>,
}

/// The most bytes in which names are looked for; behind them the place of what they are a part of is told.
const MOST_LOOKED: usize = 64 << 20;

/// A name is one line and no long one, whatever it is the name of: an alias costs nothing where it is written.
fn short(name: &str) -> String {
    const LONGEST: usize = 200;
    name.lines().next().unwrap_or_default().trim_end().chars().take(LONGEST).collect()
}

/// What is lost, by its name.
#[derive(Debug)]
enum Named {
    /// With the place of what it is a part of.
    Within(String, Place),
    /// With the way to it in a JSON text.
    Pointed(String, Pointer),
}

impl Losses {
    /// One more, and the place of what it is a part of.
    pub(crate) fn add(&mut self, what: impl Into<String>, why: &'static str, name: &str, place: Place) {
        self.note(what.into(), why, || Named::Within(short(name), place));
    }

    /// Keys that an object of YAML has already.
    pub(crate) fn repeated(&mut self, keys: Vec<(String, Place)>) {
        for (key, place) in keys {
            self.add("repeated key", "an object has a key once; the first one counts", &key, place);
        }
    }

    /// One more of a JSON text, and the way to it.
    pub(crate) fn point(
        &mut self,
        what: impl Into<String>,
        why: &'static str,
        name: &str,
        way: impl FnOnce() -> Pointer,
    ) {
        self.note(what.into(), why, || Named::Pointed(short(name), way()));
    }

    fn note(&mut self, what: String, why: &'static str, name: impl FnOnce() -> Named) {
        let (named, count) = self.found.entry((what, why)).or_default();
        if named.len() < Report::MOST_NAMED {
            named.push(name());
        }
        *count += 1;
    }

    /// All of them; places are those of the text that was read.
    pub(crate) fn list(self, text: &str) -> Vec<Loss> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let all = self.found.values().flat_map(|(named, _)| named);
        let pointers: Vec<Pointer> = all
            .filter_map(|named| if let Named::Pointed(_, way) = named { Some(way.clone()) } else { None })
            .collect();
        let mut places = pointer::places(text, &pointers).into_iter();
        let mut looked = 0usize;
        let mut told = |named: Named| match named {
            Named::Within(name, place) if looked < MOST_LOOKED => {
                looked = looked.saturating_add(place.to.saturating_sub(place.from));
                placed(&name, place.of(&name, text))
            }
            Named::Within(name, place) => placed(&name, place),
            Named::Pointed(name, _) => match places.next().flatten() {
                Some(place) => placed(&name, place),
                None => name,
            },
        };
        let mut list = Vec::new();
        for ((what, why), (named, count)) in self.found {
            list.push(Loss { what, why, named: named.into_iter().map(&mut told).collect(), count });
        }
        list
    }
}
