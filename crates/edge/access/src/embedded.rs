//! Embedded access: the OS user, in the tenant that the profile names (contract 1.3).
//!
//! The operating system is the authenticator: the profile and the key file are readable by their owner alone (0600,
//! checked by whoever loads them), so having them is the credential, and the tenant's member row must carry the uid of
//! this process. It refuses whoever has no row. Granted mutations are not entered here: their decision rides in the
//! transaction of the deed, so the proof carries its ids.

pub use crate::Denied;
use crate::decision::{Entered, Verdict, entered, fresh_decision};
use crate::envelope::Nonces;
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::context::{Authenticated, Kind, OpContext, Principal, PrincipalType};
use dvt_model::decision::{Circumstances, DecisionRecord, Draft};
use dvt_model::deed::Deed;
use dvt_model::entry::Outcome;
use dvt_model::id::{PlanId, RequestId, RunId};
use dvt_model::proof::{Authorized, Permits};
use dvt_model::resource::{Ledger, Plan, Project, Resource, ResourceRef, Run, Tenant};
use dvt_model::scope::{Cover, Minter, ScopeIds, TenantScope, covers};
use dvt_policy::{Decision, Place};
use dvt_store::port::operation::KnownMember;
use dvt_store::port::transaction::{Kind as TxKind, TenantTx};
use dvt_store::{Clock, Store};
use std::sync::Arc;

/// The door of an embedded installation.
pub struct Embedded {
    pub(crate) store: Store,
    pub(crate) minter: Arc<Minter>,
    pub(crate) clock: Clock,
    pub(crate) nonces: Nonces,
}

impl Embedded {
    /// Makes the door; the composition root lends it the minter.
    pub fn new(store: Store, minter: Arc<Minter>, clock: Clock) -> Self {
        Self { store, minter, clock, nonces: Nonces::default() }
    }

    /// Authenticates the OS user of this process as a member of the profile's tenant.
    // INVARIANT(INV-01): a scope is minted from the verified credential and from nothing that a request carries.
    pub async fn authenticate(&self, profile: ScopeIds, request: RequestId) -> Result<OpContext, Denied> {
        let scope = TenantScope::mint(&self.minter, profile);
        let transaction = match self.store.begin(&scope, TxKind::Act) {
            // A tenant that is not there and a user who is no member are the same 401.
            Err(dvt_store::Error::NotFound) => return Err(Denied::unauthenticated()),
            other => other.map_err(|error| Denied::of_store(&error))?,
        };
        let uid = rustix::process::geteuid().as_raw();
        let member = transaction.member_by_os_uid(uid).await.map_err(|error| Denied::of_store(&error))?;
        let KnownMember { member, epoch } = member.ok_or_else(Denied::unauthenticated)?;
        let principal = Principal {
            id: member.principal_id,
            principal_type: PrincipalType::User,
            roles: member.roles,
            rights_epoch: epoch,
        };
        Ok(OpContext::mint(
            &self.minter,
            Authenticated {
                principal,
                scope,
                request_id: request,
                kind: Kind::Interactive,
                auth_time: (self.clock)(),
                methods: vec!["os".to_owned()],
            },
        ))
    }

    /// Looks a run up for an action: the proof, or the one answer for hidden and absent (with one DENIED entry).
    /// Reads are entered here (granted status reads once per principal, action, run and hour); mutations by the engine.
    pub async fn run<A: Permits>(
        &self,
        context: &OpContext,
        run: RunId,
        route: &str,
    ) -> Result<Authorized<Run, A>, Denied> {
        let transaction = self.begin(context)?;
        let asked = ResourceRef { resource_type: Run::TYPE.to_owned(), id: run.to_string() };
        let row = transaction.run(run).await.map_err(|error| Denied::of_store(&error))?;
        // The store answers within the scope; a second look here costs nothing and does not rest on it.
        let root = transaction.root();
        let visible = row.filter(|row| covers(context.scope(), &root, &row.metadata.scope) == Cover::Covered);
        let readable = self.decide(context, Action::RunReadStatus);
        let (Some(row), true) = (visible, readable.is_granted()) else {
            let verdict = Verdict::denied(self.now(), A::ACTION, asked, Code::RunNotFound);
            self.enter(transaction, context, verdict, route).await?;
            return Err(Denied::not_found());
        };
        let resource = Run { id: run, scope: row.metadata.scope };
        self.authorize(transaction, context, resource, Some(run), route).await
    }

    /// Authorizes a signal or a vote on a run: the action, and the lowest role that this deed takes (contract 4.5). Where the
    /// run's step names a role of its own for it, the engine asks for that.
    pub async fn deed<A: Permits>(
        &self,
        context: &OpContext,
        run: RunId,
        deed: &Deed,
        route: &str,
    ) -> Result<Authorized<Run, A>, Denied> {
        if A::ACTION != deed.action() {
            return Err(Denied::new(
                Code::AuthorizationRequired,
                "the proof asked for is not the one of this deed",
            ));
        }
        let proof: Authorized<Run, A> = self.run(context, run, route).await?;
        let Err(denied) = holds_role_for(context, deed) else { return Ok(proof) };
        let verdict = Verdict {
            run: Some(run),
            ..Verdict::denied(self.now(), A::ACTION, proof.resource().reference(), Code::AuthzDenied)
        };
        self.enter(self.begin(context)?, context, verdict, route).await?;
        Err(denied)
    }

    /// Whether the caller's roles allow a deed, with the words in which [`Self::deed`] would refuse it: for a command that only says
    /// what would happen. It enters nothing and proves nothing.
    pub fn may_do(&self, context: &OpContext, deed: &Deed) -> Result<(), Denied> {
        // A run in the place of another one is a start as well.
        let start = matches!(deed, Deed::RetryRun { .. }).then_some(Action::RunStart);
        for action in [deed.action()].into_iter().chain(start) {
            self.may_act(context, action)?;
        }
        holds_role_for(context, deed)
    }

    /// The same of an act that is on no run.
    pub fn may_act(&self, context: &OpContext, action: Action) -> Result<(), Denied> {
        if self.may(context, action) { Ok(()) } else { Err(Denied::new(Code::AuthzDenied, missing(action))) }
    }

    /// Whether the caller's roles allow an action: for a command that asks for less where more is not allowed. It enters
    /// nothing and proves nothing; what is read then needs a look-up of its own.
    pub fn may(&self, context: &OpContext, action: Action) -> bool {
        self.decide(context, action).is_granted()
    }

    /// Authorizes something in the context's project (create a plan, list runs).
    pub async fn project<A: Permits>(
        &self,
        context: &OpContext,
        route: &str,
    ) -> Result<Authorized<Project, A>, Denied> {
        let resource = Project { id: context.scope().project(), scope: context.scope().ids() };
        self.authorize(self.begin(context)?, context, resource, None, route).await
    }

    /// Authorizes an action on a plan (start a run of it).
    pub async fn plan<A: Permits>(
        &self,
        context: &OpContext,
        plan: PlanId,
        route: &str,
    ) -> Result<Authorized<Plan, A>, Denied> {
        let resource = Plan { id: plan, scope: context.scope().ids() };
        self.authorize(self.begin(context)?, context, resource, None, route).await
    }

    /// Authorizes reading the ledger.
    pub async fn ledger<A: Permits>(
        &self,
        context: &OpContext,
        route: &str,
    ) -> Result<Authorized<Ledger, A>, Denied> {
        let resource = Ledger { id: context.scope().tenant(), scope: context.scope().ids() };
        self.authorize(self.begin(context)?, context, resource, None, route).await
    }

    /// Authorizes an act on the tenant itself: its keys, holds, retention, and what is known about a person.
    pub async fn tenant<A: Permits>(
        &self,
        context: &OpContext,
        route: &str,
    ) -> Result<Authorized<Tenant, A>, Denied> {
        let resource = Tenant { id: context.scope().tenant(), scope: context.scope().ids() };
        self.authorize(self.begin(context)?, context, resource, None, route).await
    }

    /// Completes a decision record for an act, or names what it lacks.
    pub fn record<R: Resource, A: Permits>(
        &self,
        proof: &Authorized<R, A>,
        draft: Draft,
    ) -> Result<DecisionRecord, Denied> {
        let context = proof.context();
        let actor_role =
            dvt_policy::weakest_sufficient(&context.principal().roles, A::ACTION, &place(context))
                .ok_or_else(|| Denied::new(Code::AuthzDenied, missing(A::ACTION)))?;
        let timestamp = self.now();
        draft
            .complete(Circumstances {
                decision_id: fresh_decision(timestamp),
                actor_id: context.principal().id,
                actor_role,
                scope: proof.resource().lies_in(),
                resource: proof.resource().reference(),
                timestamp,
                policy_decision_id: proof.policy_decision_id(),
                // Embedded is single-tenant: its one member is its owner.
                solo_owner: true,
            })
            .map_err(|incomplete| Denied::new(Code::DecisionRecordIncomplete, incomplete.to_string()))
    }

    fn begin(&self, context: &OpContext) -> Result<TenantTx, Denied> {
        self.store.begin(context.scope(), TxKind::Act).map_err(|error| Denied::of_store(&error))
    }

    fn decide(&self, context: &OpContext, action: Action) -> Decision {
        dvt_policy::decide(&context.principal().roles, action, &place(context), &[])
    }

    /// Decides `A` on a thing that the caller may see, enters what is to be entered, and makes the proof.
    async fn authorize<R: Resource, A: Permits>(
        &self,
        transaction: TenantTx,
        context: &OpContext,
        resource: R,
        run: Option<RunId>,
        route: &str,
    ) -> Result<Authorized<R, A>, Denied> {
        let decision = self.decide(context, A::ACTION);
        let now = self.now();
        let policy_decision_id = fresh_decision(now);
        let verdict = Verdict {
            decision_id: fresh_decision(now),
            policy_decision_id: Some(policy_decision_id),
            action: A::ACTION,
            resource: resource.reference(),
            run,
            outcome: decision.outcome,
            reason: decision.reason,
            policies: decision.policies,
        };
        let decision_id = verdict.decision_id;
        if verdict.outcome == Outcome::Denied {
            self.enter(transaction, context, verdict, route).await?;
            return Err(Denied::new(Code::AuthzDenied, missing(A::ACTION)));
        }
        match entered(A::ACTION) {
            Entered::WithTheDeed => {}
            Entered::Each => self.enter(transaction, context, verdict, route).await?,
            Entered::OncePerHour => {
                self.enter_once(transaction, context, verdict, route).await?;
            }
        }
        Ok(Authorized::mint(&self.minter, context.clone(), resource, decision_id, policy_decision_id))
    }

    /// The first of a (principal, action, resource, hour) is an entry; later ones find it (contract 7.1).
    async fn enter_once(
        &self,
        transaction: TenantTx,
        context: &OpContext,
        verdict: Verdict,
        route: &str,
    ) -> Result<(), Denied> {
        const HOUR_MS: i64 = 3_600_000;
        let now = (self.clock)().ms();
        let since = dvt_model::time::Timestamp::from_ms(now - now % HOUR_MS);
        let known = transaction
            .read_recorded(context.principal().id, verdict.action.as_str(), &verdict.resource.id, since)
            .await
            .map_err(|error| Denied::of_store(&error))?;
        if known { Ok(()) } else { self.enter(transaction, context, verdict, route).await }
    }

    /// The present.
    pub(crate) fn now(&self) -> dvt_model::time::Timestamp {
        (self.clock)()
    }
}

/// Environments carry no `development` mark yet, so none has it: the strict reading.
pub(crate) fn place(context: &OpContext) -> Place {
    Place { environment: context.scope().environment(), development: false }
}

/// The lowest role that a deed takes (contract 4.5).
fn holds_role_for(context: &OpContext, deed: &Deed) -> Result<(), Denied> {
    let least = deed.lowest_role();
    if dvt_policy::holds(&context.principal().roles, least) {
        return Ok(());
    }
    Err(Denied::new(Code::AuthzDenied, format!("this takes the role `{least}` or a higher one")))
}

fn missing(action: Action) -> String {
    format!("your roles do not allow `{action}` here")
}
