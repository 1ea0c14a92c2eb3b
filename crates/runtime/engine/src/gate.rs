//! The approval before a run: the setting `runApproval` of a project and environment (contract 5.1, `approvalGate`).
//!
//! Which approval a run waits for is fixed when it is queued and stands in RunQueued; a change of the setting moves no run that is
//! there. A setting that cannot be read refuses every start: there is no fallback to no approval.

use crate::Problem;
use dvt_core::event::body::ApprovalGate;
use dvt_model::code::Code;
use dvt_plan::plan::Plan;
use dvt_store::port::transaction::TenantTx;
use serde_json::Value;

/// Where the setting lies.
const KIND: &str = "policy";
const NAME: &str = "runApproval";

/// The approval that runs of this scope wait for; none where nobody set one.
pub(crate) async fn of_scope(transaction: &TenantTx) -> Result<Option<ApprovalGate>, Problem> {
    let Some(row) = transaction.setting(KIND, NAME).await? else { return Ok(None) };
    let malformed = || {
        let message = "the setting `runApproval` is no approval `{role, min}` with `min` of 1 or more";
        Problem::new(Code::ConfigInvalid, message)
    };
    let gate: ApprovalGate = serde_json::from_value(row.value).map_err(|_| malformed())?;
    if gate.min == 0 { Err(malformed()) } else { Ok(Some(gate)) }
}

/// The plan that a run follows, from what it was queued with.
pub(crate) fn follow(plan: Plan, queued: &Value) -> Result<Plan, Problem> {
    let Some(gate) = queued.get("approvalGate") else { return Ok(plan) };
    let gate: ApprovalGate = serde_json::from_value(gate.clone()).map_err(|_| {
        Problem::new(Code::LedgerIntegrityFailed, "the approval before the run was not recorded whole")
    })?;
    Ok(dvt_core::gated(plan, &gate))
}
