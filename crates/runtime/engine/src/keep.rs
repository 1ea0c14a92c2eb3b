//! Acts on a tenant's data, keys and policy: erasure, holds, retention, rotation, pruning, the approval before a run. Each with its proof, and its record where one is due.
//!
//! It makes the entries of who was allowed and why, and hands them with the change to the store, which takes both or neither. It
//! refuses a proof or a record that is about something else.

mod would;

use crate::entry::{self, Place};
use crate::{Grant, Problem, gate};
use dvt_core::event::body::ApprovalGate;
use dvt_model::code::Code;
use dvt_model::decision::{DecisionRecord, Operation};
use dvt_model::id::{DecisionId, RunId};
use dvt_model::proof::{Authorized, DataErase, KeyRotate, LegalHoldSet, Permits, PolicyWrite, RetentionSet};
use dvt_model::resource::{Resource, Tenant};
use dvt_store::port::operation::{ActDraft, BlockDraft, EntryDraft, Rights};
use dvt_store::port::transaction::{Kind, TenantTx};
use dvt_store::{Clock, Data, Erased, Prunable, Purpose, Store, Target};

/// The store, and the present.
pub struct Keeping<'a> {
    /// The store.
    pub store: &'a Store,
    /// The clock.
    pub clock: &'a Clock,
}

// INVARIANT(INV-15): no complete record about exactly this act, no act.
fn check<R: Resource, A: Permits>(
    proof: &Authorized<R, A>,
    record: &DecisionRecord,
    operation: Operation,
) -> Result<(), Problem> {
    if record.operation() != operation || *record.resource() != proof.resource().reference() {
        return Err(Problem::new(
            Code::DecisionRecordIncomplete,
            format!("the decision record is not about {operation} of this {}", R::TYPE),
        ));
    }
    Ok(())
}

fn run_of(target: &Target) -> Option<RunId> {
    if let Target::Run(run) = target { Some(*run) } else { None }
}

/// A target must be what the proof is about: a run's own, or the tenant for everything wider.
fn covers<R: Resource>(resource: &R, target: &Target) -> Result<(), Problem> {
    let is_right = match target {
        Target::Run(run) => *run_text(*run) == *resource.id(),
        Target::Tenant | Target::Person(_) => R::TYPE == Tenant::TYPE,
    };
    if is_right { Ok(()) } else { Err(Problem::unproved("changing what is kept of this")) }
}

fn run_text(run: RunId) -> String {
    run.to_string()
}

impl Keeping<'_> {
    fn begin<R: Resource, A: Permits>(
        &self,
        proof: &Authorized<R, A>,
        (operation, record): (&str, Option<&DecisionRecord>),
        run: Option<RunId>,
    ) -> Result<(TenantTx, ActDraft), Problem> {
        let transaction = self.store.begin(proof.scope(), Kind::Act)?;
        let grant = Grant::of(proof);
        let scope = proof.resource().lies_in();
        let place = Place { ledger: transaction.ledger(), scope, now: (self.clock)(), run };
        let mut entries: Vec<EntryDraft> = vec![entry::of_decision(place, &grant, operation)];
        if let Some(record) = record {
            entries.push(entry::of_record(place, &grant, record)?);
        }
        let block = BlockDraft::of(entries);
        // INVARIANT(INV-01): what was authorized before somebody's rights ended is refused when it is written.
        let by = grant.context.principal();
        let rights = Rights::Of { principal: by.id, epoch: by.rights_epoch };
        Ok((transaction, ActDraft { block, rights }))
    }

    /// Orders an erasure and works it off.
    pub async fn erase<R: Resource>(
        &self,
        proof: &Authorized<R, DataErase>,
        record: &DecisionRecord,
        target: Target,
    ) -> Result<Erased, Problem> {
        check(proof, record, Operation::DataErasure)?;
        covers(proof.resource(), &target)?;
        let (mut transaction, act) = self.begin(proof, ("eraseData", Some(record)), run_of(&target))?;
        transaction.order_erasure(act, record.decision_id(), target);
        transaction.commit().await?;
        Ok(self.store.erase_ordered(proof.scope().tenant()).await?)
    }

    /// Places a hold; its id is that of the record.
    pub async fn hold<R: Resource>(
        &self,
        proof: &Authorized<R, LegalHoldSet>,
        record: &DecisionRecord,
        target: Target,
    ) -> Result<DecisionId, Problem> {
        check(proof, record, Operation::LegalHoldChange)?;
        covers(proof.resource(), &target)?;
        let (mut transaction, act) = self.begin(proof, ("placeLegalHold", Some(record)), run_of(&target))?;
        transaction.place_hold(act, record.decision_id(), target);
        transaction.commit().await?;
        Ok(record.decision_id())
    }

    /// Releases a hold, if its row still has this version.
    pub async fn release(
        &self,
        proof: &Authorized<Tenant, LegalHoldSet>,
        record: &DecisionRecord,
        (hold, row_version): (DecisionId, u64),
    ) -> Result<(), Problem> {
        check(proof, record, Operation::LegalHoldChange)?;
        let (mut transaction, act) = self.begin(proof, ("releaseLegalHold", Some(record)), None)?;
        transaction.release_hold(act, hold, row_version);
        transaction.commit().await?;
        Ok(())
    }

    /// Replaces keys.
    pub async fn rotate(
        &self,
        proof: &Authorized<Tenant, KeyRotate>,
        purposes: &[Purpose],
    ) -> Result<(), Problem> {
        let (mut transaction, act) = self.begin(proof, ("rotateKeys", None), None)?;
        transaction.rotate_keys(act, purposes);
        transaction.commit().await?;
        Ok(())
    }

    /// Changes how long something is kept, from the version that is named.
    pub async fn retain(
        &self,
        proof: &Authorized<Tenant, RetentionSet>,
        (data, days): (Data, u64),
        from_version: u64,
    ) -> Result<(), Problem> {
        let (mut transaction, act) = self.begin(proof, ("setRetention", None), None)?;
        transaction.set_retention(act, data, days, from_version)?;
        transaction.commit().await?;
        Ok(())
    }

    /// The approval that runs of the caller's project and environment wait for, and the version of that setting.
    pub async fn run_approval(
        &self,
        proof: &Authorized<Tenant, PolicyWrite>,
    ) -> Result<(Option<ApprovalGate>, u64), Problem> {
        gate::set(&self.store.begin(proof.scope(), Kind::Act)?).await
    }

    /// Lets runs that are queued from now on wait for an approval, or for none; made from the version that is named.
    pub async fn set_run_approval(
        &self,
        proof: &Authorized<Tenant, PolicyWrite>,
        record: &DecisionRecord,
        (gate, from_version): (Option<ApprovalGate>, u64),
    ) -> Result<(), Problem> {
        check(proof, record, Operation::PolicyChange)?;
        let (mut transaction, act) = self.begin(proof, ("setRunApproval", Some(record)), None)?;
        let grant = Grant::of(proof);
        let scope = grant.context.scope().ids();
        let place = Place { ledger: transaction.ledger(), scope, now: (self.clock)(), run: None };
        transaction.put_setting(gate::change(place, &grant, (gate, from_version), act)?);
        transaction.commit().await?;
        Ok(())
    }

    /// Prunes the ledger once; gives from where to where.
    pub async fn prune(
        &self,
        proof: &Authorized<Tenant, DataErase>,
        record: &DecisionRecord,
    ) -> Result<Prunable, Problem> {
        check(proof, record, Operation::LedgerPrune)?;
        let (mut transaction, act) = self.begin(proof, ("pruneLedger", Some(record)), None)?;
        let prunable = transaction.prunable().await?;
        if prunable.first_left > prunable.lowest {
            transaction.prune(act);
            transaction.commit().await?;
        }
        Ok(prunable)
    }
}
