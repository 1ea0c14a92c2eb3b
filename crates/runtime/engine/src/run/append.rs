//! Appending: events and the acts that caused them become one block, and only then anything happens.
//!
//! A block whose fate is unknown is sent again under the same id: it is either there, and the first answer comes back, or
//! it goes in now. What cannot be written after that is given up, and the run's memory with it.

use super::load::{Fold, weight_of};
use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::{Grant, Problem, chance, crash};
use dvt_core::event::Event;
use dvt_model::code::Code;
use dvt_model::id::{RunId, SignalId};
use dvt_model::run::{EventName, RunStatus};
use dvt_store::Refusal;
use dvt_store::port::operation::{AppendAct, AppendRun, BlockDraft, EntryDraft};
use dvt_store::port::transaction::Kind;
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// How often a write that failed is tried again, and the first pause. Together below the write budget of 3 s.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A snapshot is worth its bytes when the events since the last one weigh more than this and more than that snapshot.
const SNAPSHOT_FLOOR: u64 = 256 * 1024;

/// A signal's first decision.
pub(crate) type Signal = (SignalId, Value);

impl Fold {
    /// Where and when this run's entries are made.
    pub(crate) fn place(&self, engine: &Engine) -> Place {
        Place {
            ledger: self.ledger,
            scope: self.metadata.scope,
            now: engine.now(),
            run: Some(self.metadata.run_id),
        }
    }

    /// Appends `events` with the acts before them. The state is not touched; `last_run_seq` and `status` move on success.
    ///
    /// If we crash before the commit, none of it happened: steps that ended are given out again under the same token,
    /// and a caller got no answer. After it, all of it did: the next holder folds it and does the effects by `Recover`.
    // INVARIANT(INV-29): effects and answers come after this returns, and it returns after the sync.
    pub(crate) async fn append(
        &mut self,
        engine: &Engine,
        acts: Vec<EntryDraft>,
        events: Vec<Event>,
        signal: Option<Signal>,
    ) -> Result<(), Refusal> {
        let place = self.place(engine);
        let terminal = events.iter().any(|event| event.name.is_terminal());
        let status = events.iter().fold(self.status, |status, event| after(status, event.name));
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let weight: u64 = events.iter().map(|event| weight_of(&event.payload)).sum();
        let mut entries = acts;
        for (run_seq, event) in (self.last_run_seq + 1..).zip(events) {
            let entry = entry::of_event(place, &self.metadata, self.request_id, run_seq, event)
                .map_err(|problem| Refusal::Contract(problem.message))?;
            entries.push(entry);
        }
        let operation = AppendRun {
            run_id: self.metadata.run_id,
            expected_run_seq: self.last_run_seq,
            engine_epoch: engine.epoch(),
            signal,
            block: BlockDraft { block_id: chance::block(), entries },
            status,
        };
        if terminal {
            crash::point(crash::BEFORE_TERMINAL_APPEND);
        }
        commit(engine, self, &operation).await?;
        if terminal {
            crash::point(crash::AFTER_TERMINAL);
        }
        self.last_run_seq += count;
        self.status = status;
        self.weight += weight;
        engine.seal_soon(self.scope.tenant());
        Ok(())
    }

    /// Writes a snapshot where it is worth it. It is a cache: a crash before or within leaves the older one.
    pub(crate) async fn snapshot_if_worth(&mut self, engine: &Engine) {
        if self.weight <= SNAPSHOT_FLOOR.max(self.snapshot_weight) {
            return;
        }
        let Ok(snapshot) = serde_json::to_value(&self.state) else { return };
        self.weight = 0;
        self.snapshot_weight = weight_of(&snapshot);
        if let Ok(transaction) = engine.parts().store.begin(&self.scope, Kind::Engine) {
            // A cache that could not be written costs only a longer fold.
            drop(transaction.put_snapshot(self.metadata.run_id, self.last_run_seq, &snapshot).await);
        }
    }
}

async fn commit(engine: &Engine, fold: &Fold, operation: &AppendRun) -> Result<(), Refusal> {
    let mut pause = FIRST_PAUSE;
    for again in (0..TRIES).rev() {
        let mut transaction = engine.parts().store.begin(&fold.scope, Kind::Engine).map_err(Refusal::from)?;
        transaction.append_run(operation.clone());
        match transaction.commit().await {
            Ok(_) => return Ok(()),
            // The same block id again: if it is there already, that is the answer.
            Err(Refusal::Unavailable(_)) if again > 0 => {
                sleep(pause).await;
                pause *= 2;
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Err(Refusal::Unavailable("the write budget is used up".to_owned()))
}

impl Engine {
    /// Appends an act that changes no run.
    pub(crate) async fn append_act(
        &self,
        scope: &dvt_model::scope::TenantScope,
        entries: Vec<EntryDraft>,
    ) -> Result<(), Problem> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.parts().store.begin(scope, Kind::Act)?;
        transaction
            .append_act(AppendAct { block: BlockDraft { block_id: chance::block(), entries }, reads: false });
        transaction.commit().await?;
        self.seal_soon(scope.tenant());
        Ok(())
    }
}

impl Engine {
    /// Enters decisions whose deed did not happen, or had happened before; none twice.
    // INVARIANT(INV-07): a decision has exactly one entry, also where nothing came of it.
    pub(crate) async fn enter_unless_known(
        &self,
        run: Option<RunId>,
        grants: &[(&Grant, &str)],
    ) -> Result<(), Problem> {
        let Some((first, _)) = grants.first() else { return Ok(()) };
        let scope = first.context.scope();
        let transaction = self.parts().store.begin(scope, Kind::Act)?;
        let place = Place { ledger: transaction.ledger(), scope: scope.ids(), now: self.now(), run };
        let mut entries = Vec::new();
        for (grant, operation) in grants {
            if !transaction.decision_recorded(grant.decision_id).await? {
                entries.push(entry::of_decision(place, grant, operation));
            }
        }
        self.append_act(scope, entries).await
    }

    /// The same for the result of an act: what was refused is entered before the refusal is told. A refusal after which
    /// the act may still be asked of the next engine, or for want of a proof, is no end of a decision.
    pub(crate) async fn enter_if_refused<T>(
        &self,
        result: Result<T, Problem>,
        run: Option<RunId>,
        grants: &[(&Grant, &str)],
    ) -> Result<T, Problem> {
        if let Err(problem) = &result
            && !matches!(problem.code, Code::LeaseLost | Code::AuthorizationRequired)
        {
            self.enter_unless_known(run, grants).await?;
        }
        result
    }
}

/// The run's state after an event, by the table of contract 4.4.
fn after(status: RunStatus, event: EventName) -> RunStatus {
    match event {
        EventName::RunQueued => RunStatus::Pending,
        EventName::RunStarted => RunStatus::Running,
        EventName::RunCompleted => RunStatus::Completed,
        EventName::RunFailed => RunStatus::Failed,
        EventName::RunCancelled => RunStatus::Cancelled,
        EventName::RunFailing
        | EventName::RunCancelRequested
        | EventName::StepStarted
        | EventName::StepRedispatched
        | EventName::StepCompleted
        | EventName::StepFailed
        | EventName::StepSkipped => status,
    }
}
