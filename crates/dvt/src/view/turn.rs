//! The turn of a run in its concurrency group: which runs go before it. Every view of a queued run tells it with these words.

use crate::view::end::brief;
use crate::view::safe::safe;
use dvt_model::id::RunId;
use dvt_model::run::RunStatus;
use dvt_store::port::operation::RunRow;
use serde_json::{Value, json};

/// A run that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The one that has the turn, or else the first of those before it.
    pub(crate) first: RunId,
    /// Whether it has the turn.
    holds: bool,
    /// How many go before.
    ahead: usize,
    /// The group's name, for who may read what the run was started with.
    group: Option<String>,
}

impl Turn {
    /// Of those before it; none where nothing goes before.
    pub(crate) fn behind(before: &[RunRow]) -> Option<Self> {
        let holder = before.iter().find(|row| row.status != RunStatus::Pending);
        let first = holder.or(before.first())?.metadata.run_id;
        Some(Self { first, holds: holder.is_some(), ahead: before.len(), group: None })
    }

    /// With the group's name, or without.
    pub(crate) fn named(self, group: Option<String>) -> Self {
        Self { group, ..self }
    }

    /// `waits for its turn in the concurrency group `nightly`: run_7c1e… holds it, 2 ahead`.
    pub(crate) fn told(&self) -> String {
        let group = self.group.as_ref().map_or_else(
            || "its concurrency group".to_owned(),
            |name| format!("the concurrency group `{}`", safe(name)),
        );
        let what = if self.holds { "holds it" } else { "goes first" };
        format!("waits for its turn in {group}: {} {what}, {}", brief(self.first), self.ahead())
    }

    /// `2 ahead`.
    pub(crate) fn ahead(&self) -> String {
        format!("{} ahead", self.ahead)
    }

    /// The same as data.
    pub(crate) fn json(&self) -> Value {
        let mut value = json!({ "ahead": self.ahead, "runId": self.first });
        if let (Some(name), Some(object)) = (&self.group, value.as_object_mut()) {
            object.insert("group".to_owned(), json!(name));
        }
        value
    }
}
