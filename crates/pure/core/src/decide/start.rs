//! `Start`: the run is admitted. Nothing runs before an `Offer`.

use super::draft::{Draft, refusal};
use crate::command::{Refusal, Start};
use crate::event::body::{RunQueued, SEMANTICS_VERSION};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn decide(draft: &mut Draft<'_>, start: &Start) -> Result<(), Refusal> {
    checked(draft, start)?;
    let body = RunQueued {
        run_id: start.run_id,
        tenant_id: start.tenant_id.clone(),
        plan_ref: start.plan.clone(),
        plan_digest: start.plan.digest,
        files_digest: start.power.files_digest,
        plugin_digests: BTreeMap::new(),
        semantics_version: SEMANTICS_VERSION.to_owned(),
        inputs: start
            .inputs
            .iter()
            .map(|(name, value)| Ok((name.clone(), canonical(value)?)))
            .collect::<Result<_, Refusal>>()?,
        bounds: canonical(&start.bounds)?,
        power: start.power.clone(),
        trigger: start.trigger,
        start_at: start.start_at,
        selection: start.selection.clone(),
        approval_gate: start.approval_gate,
        original_run_id: start.original_run_id,
        reuse: start.reuse.clone(),
        parent_run_id: start.parent_run_id,
        depth: start.depth,
        initiators: start.initiators.clone(),
        about: start.about.clone(),
        known: start.known.clone(),
    };
    draft.run_event(EventName::RunQueued, 1, &body)
}

/// What only a caller that is wrong would bring.
fn checked(draft: &Draft<'_>, start: &Start) -> Result<(), Refusal> {
    let wrong = |message: String| Err(refusal(Code::InvalidRequest, message));
    let named = start.selection.iter().flatten().chain(&start.reuse);
    if let Some(unknown) = named.into_iter().find(|id| !draft.plan.steps.contains_key(*id)) {
        return wrong(format!("the plan has no step `{unknown}`"));
    }
    if start.original_run_id.is_none() && !start.reuse.is_empty() {
        return wrong("steps are taken over from an original run only".to_owned());
    }
    let outside = |id: &&StepId| start.selection.as_ref().is_some_and(|selection| !selection.contains(*id));
    if let Some(id) = start.reuse.iter().find(outside) {
        return wrong(format!("`{id}` is taken over and stands outside the selection"));
    }
    if start.approval_gate.is_some() != draft.plan.steps.contains_key(&StepId::gate()) {
        return Err(refusal(
            Code::ContractViolation,
            "the approval before the run stands in its plan, or there is none",
        ));
    }
    Ok(())
}

fn canonical(value: &Value) -> Result<Value, Refusal> {
    canonical::normalise(value.clone())
        .map_err(|error| refusal(Code::SchemaValidationFailed, error.to_string()))
}
