//! Decisions as ledger entries: what is entered by whom, and that the answer waits until it is durable.
//!
//! It never enters a granted mutation: that entry belongs to the transaction of the deed (contract 7.1). It refuses to
//! give an answer whose entry could not be written.

use crate::Denied;
use crate::embedded::Embedded;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::context::OpContext;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, SourceModule};
use dvt_model::id::{DecisionId, EntryId, RunId};
use dvt_model::resource::ResourceRef;
use dvt_model::time::Timestamp;
use dvt_store::port::operation::{AppendAct, BlockDraft, EntryDraft, Rights};
use dvt_store::port::transaction::TenantTx;

/// How a granted decision gets into the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entered {
    /// By the engine, in the transaction of the deed.
    WithTheDeed,
    /// Here, each of them.
    Each,
    /// Here, the first of an hour.
    OncePerHour,
}

/// Which way an action's grants go.
pub(crate) fn entered(action: Action) -> Entered {
    match action {
        Action::TenantCreate
        | Action::PlanCreate
        | Action::RunStart
        | Action::RunCancel
        | Action::SignalSend
        | Action::StepApprove
        | Action::KeyRotate
        | Action::DataErase
        | Action::LegalHoldSet
        | Action::RetentionSet
        | Action::PolicyWrite
        | Action::RetentionSweep => Entered::WithTheDeed,
        Action::RunReadStatus => Entered::OncePerHour,
        Action::PlanRead
        | Action::RunReadPayload
        | Action::AuditRead
        | Action::AuditReadSelf
        | Action::AuditExport
        | Action::AuditViewPii
        | Action::EngineAdvance
        | Action::SecretResolve
        | Action::LedgerSeal => Entered::Each,
    }
}

/// A new decision id.
pub(crate) fn fresh_decision(now: Timestamp) -> DecisionId {
    DecisionId::at(now, dvt_keys::entropy::random())
}

/// A decision as it will stand in the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) decision_id: DecisionId,
    pub(crate) policy_decision_id: Option<DecisionId>,
    pub(crate) action: Action,
    pub(crate) resource: ResourceRef,
    pub(crate) run: Option<RunId>,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Code>,
    pub(crate) policies: Vec<String>,
}

impl Verdict {
    /// A refusal without a policy evaluation: the thing is hidden or absent.
    pub(crate) fn denied(now: Timestamp, action: Action, resource: ResourceRef, reason: Code) -> Self {
        Self {
            decision_id: fresh_decision(now),
            policy_decision_id: None,
            action,
            resource,
            run: None,
            outcome: Outcome::Denied,
            reason: Some(reason),
            policies: Vec::new(),
        }
    }
}

impl Embedded {
    /// Appends one AUTH_DECISION and waits for the sync.
    ///
    /// If we crash before the append, nothing was answered and nothing is known; after it, the entry says that a decision
    /// was made, and the caller, who got no answer, asks again and causes a second one.
    // INVARIANT(INV-07): the answer to a decided call leaves only after its entry is durable.
    pub(crate) async fn enter(
        &self,
        mut transaction: TenantTx,
        context: &OpContext,
        verdict: Verdict,
        route: &str,
    ) -> Result<(), Denied> {
        let scope = context.scope();
        let principal = context.principal();
        let reads = verdict.outcome == Outcome::Granted;
        let envelope = Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(dvt_keys::entropy::random()),
            ledger_id: transaction.ledger(),
            tenant_id: scope.tenant(),
            project_id: scope.project(),
            environment_id: scope.environment(),
            recorded_at: self.now(),
            actor: Actor {
                id: principal.id,
                actor_type: principal.principal_type,
                roles: principal.roles.clone(),
            },
            event_type: EventType::AuthDecision,
            event_name: None,
            action: verdict.action,
            resource: verdict.resource,
            decision: verdict.outcome,
            reason_code: verdict.reason.map(|code| code.as_str().to_owned()),
            request_id: context.request_id(),
            source_module: SourceModule::Cli,
            route: Some(route.to_owned()),
            run_id: verdict.run,
            step_id: None,
            run: None,
            decision_id: Some(verdict.decision_id),
            policy_decision_id: verdict.policy_decision_id,
            payloads: Vec::new(),
            usage: None,
        };
        // Names of policies stand in the ledger only, sealed.
        let payload = (!verdict.policies.is_empty())
            .then(|| (PayloadClass::Standard, serde_json::json!({ "policies": verdict.policies })));
        let block = BlockDraft::of(vec![EntryDraft { envelope, payload }]);
        // A refusal needs no right; what is granted rests on the caller's, as they were when it was authenticated.
        let principal = context.principal();
        let rights = match verdict.outcome {
            Outcome::Granted => Rights::Of { principal: principal.id, epoch: principal.rights_epoch },
            Outcome::Denied | Outcome::Completed | Outcome::Failed => Rights::Nobody,
        };
        transaction.append_act(AppendAct { block, reads, rights });
        transaction.commit().await.map_err(|refusal| Denied::new(refusal.code(), refusal.to_string()))?;
        Ok(())
    }
}
