//! The concurrency group of a run: a text of its inputs and constants, fixed when it is queued (contract 5.7).
//!
//! Who waits for whom is no fact of one run, so nothing of it is folded: the same plan and the same RunQueued name the same
//! group, whoever asks and however often.

use crate::command::{Refusal, Start};
use crate::render;
use crate::state::{Queued, State};
use dvt_model::code::Code;
use dvt_plan::plan::Plan;

/// The longest name of a group.
const MAX_BYTES: usize = 256;

/// The group of a run that is to be queued; none where the plan names none.
pub fn group_of(plan: &Plan, start: &Start) -> Result<Option<String>, Refusal> {
    if plan.concurrency.is_none() {
        return Ok(None);
    }
    let queued = Queued {
        run_id: start.run_id,
        tenant_id: start.tenant_id.clone(),
        plan: start.plan.clone(),
        inputs: start.inputs.clone(),
        power: start.power.clone(),
        start_at: start.start_at,
        original_run_id: start.original_run_id,
        reuse: start.reuse.clone(),
        parent_run_id: start.parent_run_id,
        depth: start.depth,
        initiators: start.initiators.clone(),
        about: None,
    };
    State { queued: Some(queued), ..State::default() }.group(plan)
}

impl State {
    /// The group of this run, as [`group_of`] gave it.
    pub fn group(&self, plan: &Plan) -> Result<Option<String>, Refusal> {
        let Some(concurrency) = &plan.concurrency else { return Ok(None) };
        let refused = |why: String| Refusal {
            code: Code::InvalidRequest,
            message: format!("the group of `concurrency` cannot be named: {why}"),
        };
        let name =
            render::group(plan, self, &concurrency.group).map_err(|fault| refused(fault.to_string()))?;
        if name.is_empty() || name.len() > MAX_BYTES {
            return Err(refused(format!("it has 1 to {MAX_BYTES} bytes, and this has {}", name.len())));
        }
        Ok(Some(name))
    }
}
