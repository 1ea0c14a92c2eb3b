//! The approval that a tenant puts before a run (its setting `runApproval`): a leading step `dvt.approval` that all ordinary
//! steps wait for. It stands in the plan that the run follows, and in no document.

use crate::event::body::ApprovalGate;
use dvt_model::id::StepId;
use dvt_plan::plan::{Approval, Form, Part, Plan, Step};

/// The plan with the approval before it. Whoever starts, folds or continues a run whose RunQueued has an `approvalGate` does
/// it on this plan. Every ordinary step waits for it, so that a partial run has no way around it.
#[must_use]
pub fn gated(mut plan: Plan, gate: &ApprovalGate) -> Plan {
    let id = StepId::gate();
    for step in plan.steps.values_mut().filter(|step| step.part == Part::Ordinary) {
        step.needs.insert(id.clone());
    }
    let form = Form::Approval(Approval { role: gate.role, min: gate.min, not_initiator: true });
    plan.steps.insert(id.clone(), Step::new(id, form));
    plan.linked()
}
