//! `Start`: the run is admitted. Nothing runs before an `Offer`.

use super::draft::{Draft, refusal};
use crate::command::{Refusal, Start};
use crate::event::body::{RunQueued, SEMANTICS_VERSION};
use dvt_model::canonical;
use dvt_model::code::Code;
use dvt_model::run::EventName;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn decide(draft: &mut Draft<'_>, start: &Start) -> Result<(), Refusal> {
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
    };
    draft.run_event(EventName::RunQueued, 1, &body)
}

fn canonical(value: &Value) -> Result<Value, Refusal> {
    canonical::normalise(value.clone())
        .map_err(|error| refusal(Code::SchemaValidationFailed, error.to_string()))
}
