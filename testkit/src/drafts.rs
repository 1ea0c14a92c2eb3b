//! Stages for a store that are right until whoever took them makes them wrong.
//!
//! Owns no store and no clock of its own. Surprising: each draft draws fresh ids, so the same call twice gives two stages,
//! and a repeat is a clone.

use dvt_model::action::{Action, Role};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::context::PrincipalType;
use dvt_model::digest::Digest;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, RunPart, SourceModule};
use dvt_model::id::{
    DecisionId, EntryId, EnvironmentId, EventId, LedgerId, PlanId, PrincipalId, ProjectId, RequestId, RunId,
    TenantId,
};
use dvt_model::resource::ResourceRef;
use dvt_model::run::{PlanRef, RunMetadata, RunStatus};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use dvt_store::Clock;
use dvt_store::port::operation::{
    AppendAct, AppendRun, BlockDraft, BootstrapRun, EntryDraft, Member, PutSetting, Rights,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Bytes of chance.
pub fn random<const N: usize>() -> [u8; N] {
    dvt_keys::entropy::random()
}

/// A clock that moves a millisecond at each look.
pub fn clock() -> Clock {
    let now = AtomicI64::new(1_790_000_000_000);
    Arc::new(move || Timestamp::from_ms(now.fetch_add(1, Ordering::SeqCst)))
}

/// Ids of a tenant that nobody else has.
pub fn ids() -> ScopeIds {
    ScopeIds {
        tenant_id: TenantId::from_random(random()),
        project_id: ProjectId::from_random(random()),
        environment_id: EnvironmentId::from_random(random()),
    }
}

/// The scope of such ids.
pub fn scope(ids: ScopeIds) -> TenantScope {
    TenantScope::mint(&Minter::behind_the_test_seam(), ids)
}

/// A first member.
pub fn member() -> Member {
    Member {
        principal_id: PrincipalId::from_random(random()),
        name: "ada".to_owned(),
        os_uid: 1000,
        roles: vec![Role::TenantAdmin],
    }
}

/// A block of its own.
pub fn block(entries: Vec<EntryDraft>) -> BlockDraft {
    BlockDraft::of(entries)
}

/// Makes stages of one tenant's ledger.
#[derive(Clone)]
pub struct Drafts {
    /// Where they lie.
    pub ids: ScopeIds,
    /// The ledger that they are of.
    pub ledger: LedgerId,
    /// Where their time comes from.
    pub clock: Clock,
    /// The engine's epoch.
    pub epoch: u64,
    /// On whose rights they rest.
    pub rights: Rights,
}

impl Drafts {
    /// An envelope of no run.
    pub fn envelope(&self, event_type: EventType, name: &str) -> Envelope {
        Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(random()),
            ledger_id: self.ledger,
            tenant_id: self.ids.tenant_id,
            project_id: self.ids.project_id,
            environment_id: self.ids.environment_id,
            recorded_at: (self.clock)(),
            actor: Actor {
                id: PrincipalId::from_random([9; 16]),
                actor_type: PrincipalType::User,
                roles: vec![Role::Operator],
            },
            event_type,
            event_name: Some(name.to_owned()),
            action: Action::RunStart,
            resource: ResourceRef { resource_type: "run".to_owned(), id: "run_of_a_draft".to_owned() },
            decision: Outcome::Granted,
            reason_code: None,
            request_id: RequestId::from_random(random()),
            source_module: SourceModule::Engine,
            route: None,
            run_id: None,
            step_id: None,
            run: None,
            decision_id: None,
            policy_decision_id: None,
            payloads: Vec::new(),
            usage: None,
        }
    }

    /// A granted decision.
    pub fn decision(&self, payload: Option<Value>) -> EntryDraft {
        let mut envelope = self.envelope(EventType::AuthDecision, "granted");
        envelope.decision_id = Some(DecisionId::from_random(random()));
        EntryDraft { envelope, payload: payload.map(|payload| (PayloadClass::Standard, payload)) }
    }

    /// A run event.
    pub fn event(&self, run: RunId, seq: u64, payload: Value) -> EntryDraft {
        let name = if seq == 1 { "RunQueued" } else { "StepStarted" };
        let mut envelope = self.envelope(EventType::StateMutation, name);
        envelope.action = Action::EngineAdvance;
        envelope.decision = Outcome::Completed;
        envelope.run_id = Some(run);
        envelope.run = Some(RunPart {
            event_id: EventId::from_random(random()),
            emitted_at: envelope.recorded_at,
            plan_id: PlanId::from_random(run.bytes()),
            plan_version: "1.0.0".to_owned(),
            logical_attempt_id: LogicalAttemptId::FIRST,
            engine_attempt_id: EngineAttemptId::FIRST,
            idempotency_key: Digest::of(format!("{run}{seq}").as_bytes()).hex(),
            run_seq: seq,
        });
        EntryDraft { envelope, payload: Some((PayloadClass::Standard, payload)) }
    }

    /// The admission of a run, with a plan of its own.
    pub fn bootstrap(&self, run: RunId) -> BootstrapRun {
        let document = json!({ "name": "draft" });
        let digest = Digest::of(&canonical::to_bytes(&document).unwrap_or_default());
        BootstrapRun {
            metadata: RunMetadata {
                scope: self.ids,
                run_id: run,
                plan: PlanRef {
                    plan_id: PlanId::from_random(run.bytes()),
                    plan_version: "1.0.0".to_owned(),
                    digest,
                },
                plan_name: format!("p-{}", run.key()),
                provider: "embedded".to_owned(),
            },
            admission_key: Digest::of(&run.bytes()).hex(),
            request: json!({}),
            engine_epoch: self.epoch,
            most_open_runs: 1_000,
            rights: self.rights,
            queue: None,
            group: None,
            setting: None,
            is_new: false,
            detached: false,
            plan_document: document,
            block: block(vec![self.event(run, 1, json!({ "seq": 1 }))]),
            status: RunStatus::Pending,
        }
    }

    /// One more event of a run.
    pub fn append(&self, run: RunId, seq: u64, payload: Value) -> AppendRun {
        AppendRun {
            run_id: run,
            expected_run_seq: seq - 1,
            engine_epoch: self.epoch,
            signal: None,
            block: block(vec![self.event(run, seq, payload)]),
            status: RunStatus::Running,
        }
    }

    /// A change of a setting, made from `expected_version`.
    pub fn setting(&self, name: &str, expected_version: Option<u64>, value: Value) -> PutSetting {
        let envelope = self.envelope(EventType::ConfigChanged, "SettingChanged");
        PutSetting {
            kind: "draft".to_owned(),
            name: name.to_owned(),
            expected_version,
            rights: self.rights,
            value,
            block: block(vec![EntryDraft { envelope, payload: None }]),
        }
    }

    /// An act of one decision.
    pub fn act(&self, payload: Option<Value>) -> AppendAct {
        AppendAct { block: block(vec![self.decision(payload)]), reads: false, rights: self.rights }
    }
}
