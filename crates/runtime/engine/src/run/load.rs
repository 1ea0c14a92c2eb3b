//! Loading: a run's state is the fold of its events; the snapshot only spares the beginning (contract 5.5).
//!
//! It refuses a run whose stored plan is not the one that it was queued with, and one whose payloads are erased.

use crate::client::Progress;
use crate::engine::Engine;
use crate::groups::Key;
use crate::{Problem, gate};
use dvt_core::State;
use dvt_core::event::Event;
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::{EventId, LedgerId, RequestId, RunId, StepId};
use dvt_model::run::{EventName, Power, RunMetadata, RunStatus};
use dvt_model::scope::TenantScope;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::StoredEvent;
use dvt_store::port::transaction::{Kind, TenantTx};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The page of a fold.
const PAGE: u32 = 1_000;

/// A run in memory.
pub(crate) struct Fold {
    pub(crate) scope: TenantScope,
    pub(crate) ledger: LedgerId,
    pub(crate) metadata: RunMetadata,
    pub(crate) plan: Arc<Plan>,
    pub(crate) state: State,
    pub(crate) status: RunStatus,
    pub(crate) last_run_seq: u64,
    /// The request that started it; its later events carry it too.
    pub(crate) request_id: RequestId,
    /// What it may do, as it was recorded when it was queued.
    pub(crate) power: Power,
    /// The group in which it waits for its turn, where the plan names one.
    pub(crate) group: Option<Key>,
    /// Bytes of events since the last snapshot, and of that snapshot.
    pub(crate) weight: u64,
    pub(crate) snapshot_weight: u64,
}

impl Fold {
    /// Folds a run from the ledger. The tenant must have been claimed: an older leader writes nothing from then on.
    pub(crate) async fn load(engine: &Engine, scope: TenantScope, run: RunId) -> Result<Self, Problem> {
        engine.claim(scope.tenant()).await?;
        let row = engine.row(&scope, run).await?;
        let transaction = engine.parts().store.begin(&scope, Kind::Engine)?;
        let plan = plan_of(&transaction, &row.metadata).await?;
        let first = transaction.fetch_events(run, 0, 1).await?.into_iter().next();
        let first =
            first.ok_or_else(|| Problem::new(Code::LedgerIntegrityFailed, "the run has no events"))?;
        let power = power_of(&first)?;
        let plan = gate::follow(plan, first.payload.as_ref().unwrap_or(&Value::Null))?;
        let mut fold = Self {
            ledger: transaction.ledger(),
            scope,
            metadata: row.metadata,
            plan: Arc::new(plan),
            state: State::default(),
            status: RunStatus::Pending,
            last_run_seq: 0,
            request_id: first.envelope.request_id,
            power,
            group: None,
            weight: 0,
            snapshot_weight: 0,
        };
        if let Some((last_run_seq, snapshot)) = transaction.get_snapshot(run).await? {
            // A snapshot that this release cannot read is no loss: the events are the state.
            if let Ok(state) = serde_json::from_value::<State>(snapshot.clone()) {
                fold.state = state;
                fold.last_run_seq = last_run_seq;
                fold.snapshot_weight = weight_of(&snapshot);
            }
        }
        loop {
            let page = transaction.fetch_events(run, fold.last_run_seq, PAGE).await?;
            let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            for stored in page {
                fold.take(stored)?;
            }
            if !full {
                break;
            }
        }
        fold.status = row.status;
        let plan = (&*fold.plan, fold.metadata.plan.plan_id);
        fold.group = Key::of_state(fold.metadata.scope, plan, &fold.state)?;
        Ok(fold)
    }

    /// What is told of it.
    pub(crate) fn progress(&self) -> Progress {
        let (run_id, last_run_seq, status) = (self.metadata.run_id, self.last_run_seq, self.status);
        Progress { run_id, last_run_seq, status }
    }

    /// The outputs of completed steps, out of the ledger: what the state has let go and somebody asks for again.
    pub(crate) async fn outputs_of(
        &self,
        engine: &Engine,
        steps: &BTreeSet<StepId>,
    ) -> Result<BTreeMap<StepId, Value>, Problem> {
        let found = outputs_with_events(engine, self.scope, self.metadata.run_id, steps).await?;
        Ok(found.into_iter().map(|(step, (_, output))| (step, output)).collect())
    }

    fn take(&mut self, stored: StoredEvent) -> Result<(), Problem> {
        let (run_seq, event) = read(stored)?;
        if run_seq != self.last_run_seq + 1 {
            return Err(Problem::new(Code::LedgerIntegrityFailed, "the run's events have a gap"));
        }
        self.last_run_seq = run_seq;
        // Names of a later release move the watermark and nothing else.
        let Some(event) = event else { return Ok(()) };
        self.weight += weight_of(&event.payload);
        dvt_core::evolve(&self.plan, &mut self.state, &event)
            .map_err(|error| Problem::new(Code::ContractViolation, error.to_string()))
    }
}

/// The outputs of completed steps out of the ledger, each with the event that holds it.
pub(crate) async fn outputs_with_events(
    engine: &Engine,
    scope: TenantScope,
    run: RunId,
    steps: &BTreeSet<StepId>,
) -> Result<BTreeMap<StepId, (EventId, Value)>, Problem> {
    let mut found = BTreeMap::new();
    if steps.is_empty() {
        return Ok(found);
    }
    let transaction = engine.parts().store.begin(&scope, Kind::Engine)?;
    let mut after = 0;
    loop {
        let page = transaction.fetch_events(run, after, PAGE).await?;
        let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        for stored in page {
            let event_id = stored.envelope.run.as_ref().map(|part| part.event_id);
            let (run_seq, event) = read(stored)?;
            after = run_seq;
            let Some(event) = event else { continue };
            let ends = matches!(event.name, EventName::StepCompleted | EventName::StepReused);
            if let (true, Some(step), Some(result), Some(event_id)) =
                (ends, event.step_id, event.payload.get("result"), event_id)
                && steps.contains(&step)
            {
                // A later attempt's output takes the place of an older one's.
                found.insert(step, (event_id, result.clone()));
            }
        }
        if !full {
            return Ok(found);
        }
    }
}

/// The weight of a payload, as the snapshot rule counts: the bytes of its canonical form, in which it is stored.
pub(crate) fn weight_of(value: &Value) -> u64 {
    canonical::length(value)
}

async fn plan_of(transaction: &TenantTx, metadata: &RunMetadata) -> Result<Plan, Problem> {
    let integrity = |message: &str| Problem::new(Code::PlanIntegrityValidationFailed, message);
    let row = transaction
        .plan(metadata.plan.plan_id, &metadata.plan.plan_version)
        .await?
        .ok_or_else(|| integrity("the run's plan is not stored any more"))?;
    if digest_of(&row.document)? != metadata.plan.digest {
        return Err(integrity("the stored plan is not the one that the run was queued with"));
    }
    dvt_plan::load(&row.document).map_err(|_| integrity("the stored plan cannot be read by this release"))
}

/// SHA-256 of a document's canonical form.
pub(crate) fn digest_of(document: &Value) -> Result<Digest, Problem> {
    Ok(Digest::of(&canonical_of(document)?))
}

/// The canonical form of a document.
pub(crate) fn canonical_of(document: &Value) -> Result<Vec<u8>, Problem> {
    canonical::to_bytes(document).map_err(|error| {
        Problem::new(Code::InvalidPlanSchema, format!("the plan has no canonical form: {error}"))
    })
}

fn power_of(first: &StoredEvent) -> Result<Power, Problem> {
    let payload = first.payload.as_ref().ok_or_else(erased)?;
    let power = payload.get("power").cloned().unwrap_or_default();
    serde_json::from_value(power)
        .map_err(|_| Problem::new(Code::LedgerIntegrityFailed, "the run's power was not recorded"))
}

fn erased() -> Problem {
    Problem::new(Code::PayloadErased, "the run's payloads are erased")
}

fn read(stored: StoredEvent) -> Result<(u64, Option<Event>), Problem> {
    let broken = || Problem::new(Code::LedgerIntegrityFailed, "a run event is incomplete");
    let part = stored.envelope.run.ok_or_else(broken)?;
    let Some(name) = stored.envelope.event_name.as_deref().and_then(EventName::parse) else {
        return Ok((part.run_seq, None));
    };
    let step_id =
        stored.envelope.step_id.as_deref().map(StepId::parse_stored).transpose().map_err(|_| broken())?;
    let event = Event {
        name,
        step_id,
        slot: part.logical_attempt_id,
        engine_attempt_id: part.engine_attempt_id,
        at: part.emitted_at,
        payload: stored.payload.ok_or_else(erased)?,
    };
    Ok((part.run_seq, Some(event)))
}
