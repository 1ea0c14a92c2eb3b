//! What an act on a tenant's data would come to: judged by the proof, the record and the functions that judge the act, on the same
//! state. Nothing is entered and nothing changes.

use super::{Keeping, check, covers};
use crate::{Problem, gate};
use dvt_core::event::body::ApprovalGate;
use dvt_model::decision::{DecisionRecord, Operation};
use dvt_model::id::DecisionId;
use dvt_model::proof::{Authorized, LegalHoldSet, PolicyWrite, RetentionSet};
use dvt_model::resource::{Resource, Tenant};
use dvt_store::port::transaction::Kind;
use dvt_store::{Data, Swept, Target, WouldHold};

impl Keeping<'_> {
    /// What [`Self::hold`] would put a hold over.
    pub async fn would_hold<R: Resource>(
        &self,
        proof: &Authorized<R, LegalHoldSet>,
        record: &DecisionRecord,
        target: &Target,
    ) -> Result<WouldHold, Problem> {
        check(proof, record, Operation::LegalHoldChange)?;
        covers(proof.resource(), target)?;
        Ok(self.store.begin(proof.scope(), Kind::Act)?.would_hold(target).await?)
    }

    /// Whether [`Self::release`] would release the hold.
    pub async fn would_release(
        &self,
        proof: &Authorized<Tenant, LegalHoldSet>,
        record: &DecisionRecord,
        (hold, row_version): (DecisionId, u64),
    ) -> Result<(), Problem> {
        check(proof, record, Operation::LegalHoldChange)?;
        self.store.begin(proof.scope(), Kind::Act)?.would_release(hold, row_version).await??;
        Ok(())
    }

    /// Whether [`Self::retain`] would change how long something is kept; then what a sweep would end now, and after it.
    pub async fn would_retain(
        &self,
        proof: &Authorized<Tenant, RetentionSet>,
        (data, days): (Data, u64),
        from_version: u64,
    ) -> Result<(Swept, Swept), Problem> {
        let transaction = self.store.begin(proof.scope(), Kind::Act)?;
        transaction.would_set_retention(data, days, from_version).await??;
        Ok((transaction.would_sweep().await?, transaction.would_sweep_if(data, days).await?))
    }

    /// Whether [`Self::set_run_approval`] would change the approval.
    pub async fn would_set_run_approval(
        &self,
        proof: &Authorized<Tenant, PolicyWrite>,
        record: &DecisionRecord,
        change: (Option<ApprovalGate>, u64),
    ) -> Result<(), Problem> {
        check(proof, record, Operation::PolicyChange)?;
        gate::would_change(&self.store.begin(proof.scope(), Kind::Act)?, change).await
    }
}
