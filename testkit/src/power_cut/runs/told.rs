//! What callers were told before the power went: nothing else is expected to be there afterwards.
//!
//! It lies outside of everything that a cut reaches, and is written when the power is gone, by the process that was told.

use super::text;
use crate::drafts;
use crate::power_cut::disk::SyncKind;
use dvt_model::id::{DecisionId, EventId, RunId};
use dvt_model::run::RunStatus;
use dvt_model::scope::ScopeIds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The file.
const FILE: &str = "told.json";

/// What somebody who follows a run was told of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Heard {
    pub(super) run: Option<RunId>,
    pub(super) status: Option<RunStatus>,
    /// Its events, from the first on.
    pub(super) events: Vec<EventId>,
}

/// All that was told so far, in every life.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) ids: ScopeIds,
    /// The tenant was made.
    pub(super) tenant: bool,
    /// A plan was published, under this version.
    pub(super) published: Option<String>,
    /// The run, and the one in its place.
    pub(super) runs: [Heard; 2],
    /// Acts that were accepted, or found done.
    pub(super) acts: usize,
    /// The decisions by which they were.
    pub(super) decisions: Vec<DecisionId>,
    /// Work that the ledger called done when a life began (`run step attempt`), with the length of the witness then.
    pub(super) settled: BTreeMap<String, u64>,
    /// What was looked for after a cut, and found.
    pub(super) found_again: u64,
    /// Of the last life's disk.
    pub(super) operations: u64,
    pub(super) syncs: BTreeMap<SyncKind, Vec<u64>>,
}

impl Told {
    /// Nothing yet.
    pub(super) fn first() -> Self {
        Self {
            ids: drafts::ids(),
            tenant: false,
            published: None,
            runs: Default::default(),
            acts: 0,
            decisions: Vec::new(),
            settled: BTreeMap::new(),
            found_again: 0,
            operations: 0,
            syncs: BTreeMap::new(),
        }
    }

    /// Of the run, or of the one in its place.
    pub(super) fn heard(&mut self, place: usize) -> &mut Heard {
        let [first, second] = &mut self.runs;
        if place == 0 { first } else { second }
    }

    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(folder.join(FILE)).map_err(text)?;
        serde_json::from_slice(&bytes).map_err(text)
    }

    pub(super) fn keep(&self, folder: &Path) -> Result<(), String> {
        let bytes = serde_json::to_vec(self).map_err(text)?;
        std::fs::write(folder.join(FILE), bytes).map_err(text)
    }
}
