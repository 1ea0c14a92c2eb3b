//! `Authorized<R, A>`: the right to do one action to one resource, as a value with private fields (contract 4.2).
//!
//! INVARIANT(INV-12): looking up yields a proof, the acting function takes it. The proof carries the context it was made
//! for, so that the engine can check that the proof's scope is the command's.

use crate::action::Action;
use crate::context::OpContext;
use crate::id::DecisionId;
use crate::resource::Resource;
use crate::scope::{Minter, TenantScope};
use std::marker::PhantomData;

/// An action as a type, so that a proof for one cannot pass for another.
pub trait Permits {
    /// The action.
    const ACTION: Action;
}

macro_rules! permits {
    ($($name:ident => $action:ident,)*) => {$(
        #[doc = concat!("The type of [`Action::", stringify!($action), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}
        impl Permits for $name {
            const ACTION: Action = Action::$action;
        }
    )*};
}

permits! {
    PlanCreate => PlanCreate,
    PlanRead => PlanRead,
    RunStart => RunStart,
    RunCancel => RunCancel,
    SignalSend => SignalSend,
    StepApprove => StepApprove,
    RunReadStatus => RunReadStatus,
    RunReadPayload => RunReadPayload,
    AuditRead => AuditRead,
    AuditReadSelf => AuditReadSelf,
    AuditExport => AuditExport,
    AuditViewPii => AuditViewPii,
    KeyRotate => KeyRotate,
    DataErase => DataErase,
    LegalHoldSet => LegalHoldSet,
    RetentionSet => RetentionSet,
    PolicyWrite => PolicyWrite,
}

/// Proof that `A` on `R` was granted. Private fields; the constructor takes the [`Minter`].
#[derive(Debug, Clone)]
pub struct Authorized<R: Resource, A: Permits> {
    context: OpContext,
    resource: R,
    decision_id: DecisionId,
    policy_decision_id: DecisionId,
    action: PhantomData<fn() -> A>,
}

impl<R: Resource, A: Permits> Authorized<R, A> {
    /// Makes the proof of a granted decision; for `access` alone.
    pub fn mint(
        _: &Minter,
        context: OpContext,
        resource: R,
        decision_id: DecisionId,
        policy_decision_id: DecisionId,
    ) -> Self {
        Self { context, resource, decision_id, policy_decision_id, action: PhantomData }
    }

    /// Who asked, and where.
    pub fn context(&self) -> &OpContext {
        &self.context
    }

    /// The scope of the caller.
    pub fn scope(&self) -> &TenantScope {
        self.context.scope()
    }

    /// The resource the right is about.
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// The action that was granted.
    pub fn action(&self) -> Action {
        A::ACTION
    }

    /// The decision's id, as it stands in the ledger.
    pub fn decision_id(&self) -> DecisionId {
        self.decision_id
    }

    /// The id of the policy evaluation behind it.
    pub fn policy_decision_id(&self) -> DecisionId {
        self.policy_decision_id
    }
}
