//! The first block of a run, whoever asked for it: RunQueued with the decisions before it, and the run as memory has it then.
//!
//! It commits nothing. What was checked of plan and inputs comes checked; bounds and digest are the engine's own.

use crate::engine::Engine;
use crate::entry::{self, Place};
use crate::groups::Key;
use crate::run::kept::{Told, class_of, subject_of, told};
use crate::run::load::Fold;
use crate::{Problem, chance};
use dvt_core::State;
use dvt_core::command::{Command, Input, Start};
use dvt_model::code::Code;
use dvt_model::id::{RequestId, RunRequestId};
use dvt_model::idempotency;
use dvt_model::run::{RunMetadata, RunStatus};
use dvt_model::scope::TenantScope;
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use dvt_store::port::operation::{BlockDraft, BootstrapRun, EntryDraft, Group, Rights};
use dvt_store::port::transaction::TenantTx;
use serde_json::{Value, json};
use std::sync::Arc;

/// A run that may be queued.
pub(crate) struct Admission {
    pub(crate) scope: TenantScope,
    pub(crate) plan: Plan,
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
        let mut entries = admission.decisions;
        let told = told(&plan, &state, &decided.events);
        for (run_seq, Told { event, kept }) in (1..).zip(told) {
            dvt_core::evolve(&plan, &mut state, &event)
                .map_err(|error| Problem::new(Code::ContractViolation, error.to_string()))?;
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
            detached: admission.detached,
            plan_document: admission.document,
            block: BlockDraft::of(entries),
            status: RunStatus::Pending,
        };
        let group = Key::of_state(scope.ids(), (&plan, plan_ref.plan_id), &state)?;
        let fold = Fold {
            scope,
            group,
            ledger,
            metadata,
            plan: Arc::new(plan),
            state,
            status: RunStatus::Pending,
            last_run_seq: u64::try_from(last_run_seq).unwrap_or_default(),
            request_id,
            power,
            weight: 0,
            snapshot_weight: 0,
        };
        Ok((operation, fold))
    }
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
