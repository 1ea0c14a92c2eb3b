//! The first block of a run, whoever asked for it: RunQueued with the decisions before it, and the run as memory has it then.
//!
//! It commits nothing. What was checked of plan and inputs comes checked; bounds and digest are the engine's own. Surprising: what
//! the run can do without a slot, a worker or anybody else stands in the same block, up to the end of the run where that is all
//! there is to do (ADR 64).

use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::groups::Key;
use crate::run::append::after;
use crate::run::kept::{Told, class_of, paired, subject_of};
use crate::run::load::Fold;
use crate::{Problem, chance};
use dvt_core::State;
use dvt_core::command::{Command, Input, Start};
use dvt_core::event::Event;
use dvt_model::code::Code;
use dvt_model::id::{RequestId, RunRequestId};
use dvt_model::idempotency;
use dvt_model::run::{EventName, RunMetadata, RunStatus};
use dvt_model::scope::TenantScope;
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{BlockDraft, BootstrapRun, EntryDraft, Group, Rights, SeenSetting};
use dvt_store::port::transaction::TenantTx;
use serde_json::{Value, json};
use std::sync::Arc;

/// The most events that stand in the block of the admission beside RunQueued: who is answered waits for all of them.
const MOST_AT_ONCE: usize = 256;

/// A run that may be queued.
pub(crate) struct Admission {
    pub(crate) scope: TenantScope,
    pub(crate) plan: Arc<Plan>,
    pub(crate) document: Value,
    pub(crate) start: Start,
    /// What was decided about the request; nothing where the engine itself begins the run of a sub-plan.
    pub(crate) decisions: Vec<EntryDraft>,
    pub(crate) request_id: RequestId,
    pub(crate) run_request_id: RunRequestId,
    pub(crate) rights: Rights,
    pub(crate) most_open_runs: u64,
    pub(crate) detached: bool,
    /// The moment of all of it.
    pub(crate) now: Timestamp,
    /// What the store counts, where the plan names a group.
    pub(crate) group: Option<Group>,
    /// What of it follows from a setting.
    pub(crate) setting: Option<SeenSetting>,
    /// Whether the run's id was drawn for it.
    pub(crate) is_new: bool,
}

impl Engine {
    /// The operation that queues it, and the run that it leaves behind.
    pub(crate) fn queue(
        &self,
        transaction: &mut TenantTx,
        admission: Admission,
    ) -> Result<(BootstrapRun, Fold), Problem> {
        let ledger = transaction.ledger();
        let Admission { scope, plan, start, request_id, now, .. } = admission;
        let (run_id, plan_ref, power) = (start.run_id, start.plan.clone(), start.power.clone());
        // What a repeat must share with the first request; the owner's word is part of what the run may do.
        let request = request_of(&start);
        let metadata = RunMetadata {
            scope: scope.ids(),
            run_id,
            plan: plan_ref.clone(),
            plan_name: plan.name.as_str().to_owned(),
            provider: "embedded".to_owned(),
        };
        let input = Input { now, entropy: chance::entropy(), command: Command::Start(start) };
        let decided = dvt_core::decide(&plan, &State::default(), &input)?;
        let place = Place { ledger, scope: scope.ids(), now, run: Some(run_id) };
        let mut state = State::default();
        let mut all: Vec<Told> = follow(&plan, &mut state, decided.events)?;
        if admission.group.is_none() {
            all.extend(at_once(&plan, &mut state, now)?);
        }
        let status = all.iter().fold(RunStatus::Pending, |status, told| after(status, told.event.name));
        let mut entries = admission.decisions;
        for (run_seq, Told { event, kept }) in (1..).zip(all) {
            if let Some(whose) = kept.about {
                transaction.about(entries.len(), subject_of(whose));
            }
            let kept = (event, class_of(kept.class));
            entries.push(entry::of_event(place, &metadata, request_id, run_seq, kept)?);
        }
        let admission_key = idempotency::of_admission(
            &scope.ids(),
            plan_ref.plan_id,
            &plan_ref.plan_version,
            &admission.run_request_id,
        )
        .map_err(|error| Problem::new(Code::InvalidRequest, error.to_string()))?;
        let last_run_seq = entries.iter().filter(|entry| entry.envelope.run.is_some()).count();
        let operation = BootstrapRun {
            metadata: metadata.clone(),
            admission_key,
            request,
            engine_epoch: self.epoch(),
            most_open_runs: admission.most_open_runs,
            rights: admission.rights,
            queue: None,
            group: admission.group,
            setting: admission.setting,
            is_new: admission.is_new,
            detached: admission.detached,
            plan_document: admission.document,
            block: BlockDraft::of(entries),
            status,
        };
        let group = Key::of_state(scope.ids(), (&plan, plan_ref.plan_id), &state)?;
        let fold = Fold {
            scope,
            group,
            ledger,
            metadata,
            plan,
            state,
            status,
            last_run_seq: u64::try_from(last_run_seq).unwrap_or_default(),
            request_id,
            power,
            weight: 0,
            snapshot_weight: 0,
        };
        Ok((operation, fold))
    }
}

/// Lets the state follow, and says how each event is kept.
fn follow(plan: &Plan, state: &mut State, events: Vec<Event>) -> Result<Vec<Told>, Problem> {
    let kept = dvt_core::kept(plan, state, &events);
    for event in &events {
        dvt_core::evolve(plan, state, event)
            .map_err(|error| Problem::new(Code::ContractViolation, error.to_string()))?;
    }
    Ok(paired(events, kept).collect())
}

/// What the first offer would do at this very moment without a single slot: steps inside the engine that begin, and mostly end. It
/// is left to the run's task where it starts none of them, where anything else has to follow it, and where it is much.
// INVARIANT(INV-29): nothing of it reaches outside the engine, so nothing happens before the block is durable.
fn at_once(plan: &Plan, state: &mut State, now: Timestamp) -> Result<Vec<Told>, Problem> {
    if !state.has_ready(now) {
        return Ok(Vec::new());
    }
    let input = Input { now, entropy: chance::entropy(), command: Command::Offer { slots: 0 } };
    // A refusal is the task's to meet: the run is queued all the same.
    let Ok(decided) = dvt_core::decide(plan, state, &input) else { return Ok(Vec::new()) };
    let begins = decided.events.iter().any(|event| event.name == EventName::StepStarted);
    if !begins || !decided.effects.is_empty() || decided.events.len() > MOST_AT_ONCE {
        return Ok(Vec::new());
    }
    follow(plan, state, decided.events)
}

/// What a start asks for. Keys that say nothing are left out, as they were before there were such keys.
fn request_of(start: &Start) -> Value {
    let mut request = json!({ "inputs": start.inputs, "power": start.power });
    let more = [
        ("startAt", start.start_at.map(|at| json!(at))),
        ("selection", start.selection.as_ref().map(|steps| json!(steps))),
        ("originalRunId", start.original_run_id.map(|run| json!(run))),
        ("reuse", (!start.reuse.is_empty()).then(|| json!(start.reuse))),
    ];
    if let Some(members) = request.as_object_mut() {
        let named = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        members.extend(named);
    }
    request
}
