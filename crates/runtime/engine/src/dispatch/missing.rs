//! Attempts that are to end and that no worker of this engine will report: they were given out before their run was taken up, by an
//! engine that is gone, or by this one, which kills what it has forgotten.
//!
//! Their run is told that they are gone as soon as that is sure: of those that are being killed, when their end was heard; of all
//! others, when a worker has said `Hello`, which it says only when no step of an earlier one is alive (ADR 4). Where neither comes
//! nobody is told, and the run waits for as long as it would for a worker that does not answer.

use super::pipe::Item;
use crate::run::{Hot, Message};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::{RunId, StepId};
use std::collections::BTreeMap;

/// An attempt that is to end.
pub(crate) struct Stop {
    pub(crate) run: RunId,
    pub(crate) step_id: StepId,
    pub(crate) logical: LogicalAttemptId,
    pub(crate) engine: EngineAttemptId,
    pub(crate) grace_ms: u64,
    /// Who waits for its end; nobody where the run has ended.
    pub(crate) waits: Option<Hot>,
}

/// Those of which it is not sure yet.
#[derive(Default)]
pub(super) struct Missing(BTreeMap<(RunId, StepId), (LogicalAttemptId, EngineAttemptId, Hot)>);

impl Missing {
    /// Whether somebody waits, and it is to be made sure.
    pub(super) fn note(&mut self, stop: Stop) -> bool {
        let Stop { run, step_id, logical, engine, waits, .. } = stop;
        let Some(hot) = waits else { return false };
        self.0.insert((run, step_id), (logical, engine, hot));
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn forget(&mut self, run: RunId) {
        self.0.retain(|(of, _), _| *of != run);
    }

    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }

    /// What its run is told of this one, which is gone.
    pub(super) fn gone(&mut self, place: &(RunId, StepId)) -> Option<Item> {
        let (logical, engine, hot) = self.0.remove(place)?;
        Some(Item::Word(hot, Message::Gone((place.1.clone(), logical, engine))))
    }

    /// The same of all that are not among those that are being killed.
    pub(super) fn gone_but(&mut self, is_dying: impl Fn(&(RunId, StepId)) -> bool) -> Vec<Item> {
        let sure: Vec<_> = self.0.keys().filter(|place| !is_dying(place)).cloned().collect();
        sure.iter().filter_map(|place| self.gone(place)).collect()
    }
}
