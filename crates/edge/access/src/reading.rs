//! Reading the ledger is itself an entry (contract 7.5): `LedgerRead` for a page, `LedgerExported` for what leaves with its proofs.
//!
//! It stands beside the AUTH_DECISION, which says that it was allowed; this one says what was looked through and how much came out.
//! It is durable before the first row is shown. The question lies in the payload, sealed.

use crate::Denied;
use crate::embedded::Embedded;
use dvt_ledger::announce;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, SourceModule};
use dvt_model::id::EntryId;
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::{Ledger, Resource as _};
use dvt_store::port::operation::{AppendAct, BlockDraft, EntryDraft, Rights};
use dvt_store::port::transaction::Kind;
use serde_json::Value;

/// What left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A page was shown.
    Page,
    /// Entries left with their proofs.
    Export,
}

impl Embedded {
    /// Enters that the ledger was read, and waits until it is durable.
    // INVARIANT(INV-07): no row is shown before its reading is entered.
    pub async fn entered_reading<A: Permits>(
        &self,
        proof: &Authorized<Ledger, A>,
        reading: Reading,
        question: Value,
        route: &str,
    ) -> Result<(), Denied> {
        let (context, scope) = (proof.context(), proof.scope());
        let transaction = self.store.begin(scope, Kind::Act);
        let mut transaction = transaction.map_err(|error| Denied::of_store(&error))?;
        let name = match reading {
            Reading::Page => announce::LEDGER_READ,
            Reading::Export => announce::LEDGER_EXPORTED,
        };
        let envelope = Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(dvt_keys::entropy::random()),
            ledger_id: transaction.ledger(),
            tenant_id: scope.tenant(),
            project_id: scope.project(),
            environment_id: scope.environment(),
            recorded_at: self.now(),
            actor: Actor {
                id: context.principal().id,
                actor_type: context.principal().principal_type,
                roles: context.principal().roles.clone(),
            },
            event_type: EventType::LedgerEvent,
            event_name: Some(name.to_owned()),
            action: A::ACTION,
            resource: proof.resource().reference(),
            decision: Outcome::Completed,
            reason_code: None,
            request_id: context.request_id(),
            source_module: SourceModule::Cli,
            route: Some(route.to_owned()),
            run_id: None,
            step_id: None,
            run: None,
            decision_id: Some(proof.decision_id()),
            policy_decision_id: Some(proof.policy_decision_id()),
            payloads: Vec::new(),
            usage: None,
        };
        let block =
            BlockDraft::of(vec![EntryDraft { envelope, payload: Some((PayloadClass::Standard, question)) }]);
        let reader = context.principal();
        let rights = Rights::Of { principal: reader.id, epoch: reader.rights_epoch };
        transaction.append_act(AppendAct { block, reads: false, rights });
        transaction.commit().await.map_err(|refusal| Denied::new(refusal.code(), refusal.to_string()))?;
        Ok(())
    }
}
