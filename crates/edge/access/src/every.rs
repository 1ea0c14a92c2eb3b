//! What touches every tenant of the installation takes every tenant's right: the sum of the single steps.
//!
//! A backup holds all of them and a check looks at all of them, so the right to one tenant's ledger is not the right to do either.
//! Each decision stands in the ledger that it is about. Surprising: the platform is not asked, for it holds nothing of a tenant's;
//! who may open the data folder and the key is its owner (contract 1.3).

use crate::Denied;
use crate::embedded::Embedded;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::context::OpContext;
use dvt_model::id::TenantId;
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::Ledger;

/// A tenant, with the proof or why there is none.
pub type Judged<A> = (TenantId, Result<Authorized<Ledger, A>, Denied>);

impl Embedded {
    /// Asks for one right in every tenant, the caller's own first. Without it there, nobody else's ledger is asked.
    // INVARIANT(INV-01): each tenant's scope comes from its own file, and its member row must carry this OS user.
    pub async fn each_ledger<A: Permits>(
        &self,
        context: &OpContext,
        route: &str,
    ) -> Result<Vec<Judged<A>>, Denied> {
        let own = context.scope().tenant();
        let mut judged: Vec<Judged<A>> = vec![(own, Ok(self.ledger(context, route).await?))];
        let tenants = self.store.tenants().map_err(|error| Denied::of_store(&error))?;
        for tenant in tenants.into_iter().filter(|tenant| *tenant != own) {
            judged.push((tenant, self.ledger_of(tenant, context, route).await));
        }
        Ok(judged)
    }

    /// The same for what is whole or not at all: all proofs, or one refusal that names nobody's tenant.
    pub async fn every_ledger<A: Permits>(
        &self,
        context: &OpContext,
        route: &str,
    ) -> Result<Vec<Authorized<Ledger, A>>, Denied> {
        let judged = self.each_ledger::<A>(context, route).await?;
        let proofs =
            judged.into_iter().map(|(_, proof)| proof.map_err(|denied| everywhere(denied, A::ACTION)));
        proofs.collect()
    }

    async fn ledger_of<A: Permits>(
        &self,
        tenant: TenantId,
        context: &OpContext,
        route: &str,
    ) -> Result<Authorized<Ledger, A>, Denied> {
        let root = self.store.root_of(tenant).map_err(|error| Denied::of_store(&error))?;
        let there = self.authenticate(root, context.request_id()).await?;
        self.ledger(&there, route).await
    }
}

/// What cannot be judged stays what it is; a right that is missing somewhere is missing.
fn everywhere(denied: Denied, action: Action) -> Denied {
    match denied.code {
        Code::Unauthenticated | Code::AuthzDenied => Denied::new(
            Code::AuthzDenied,
            format!("this is about every tenant of this installation, and takes `{action}` in each of them"),
        ),
        _ => denied,
    }
}
