//! What an import kept, and what it could not keep.

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
    /// Which ones, the first [`Report::MOST_NAMED`] of them.
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
    /// The most places of one kind that are named one by one.
    pub const MOST_NAMED: usize = 20;
}

/// Gathers losses while a document is read.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    found: BTreeMap<(String, &'static str), (Vec<String>, u64)>,
}

impl Losses {
    /// One more.
    pub(crate) fn add(&mut self, what: impl Into<String>, why: &'static str, name: &str) {
        let (named, count) = self.found.entry((what.into(), why)).or_default();
        if named.len() < Report::MOST_NAMED {
            named.push(name.to_owned());
        }
        *count += 1;
    }

    /// All of them.
    pub(crate) fn list(self) -> Vec<Loss> {
        let each = self.found.into_iter();
        each.map(|((what, why), (named, count))| Loss { what, why, named, count }).collect()
    }
}
