//! The idempotency key of an event (contract 5.3): what the engine writes into the envelope, and the token of a step.

use super::Event;
use dvt_model::id::{RunId, StepId};
use dvt_model::idempotency::{ContainsSeparator, EventKey, of_event};
use dvt_model::run::{EventName, PlanRef};

/// The key of an event of this run.
pub fn idempotency_key(event: &Event, run_id: RunId, plan: &PlanRef) -> Result<String, ContainsSeparator> {
    of_event(EventKey {
        run: &run_id.key(),
        step: event.step_id.as_ref().map(StepId::as_str),
        slot: event.slot.0,
        event: event.name.as_str(),
        plan: &plan.plan_id.key(),
        plan_version: &plan.plan_version,
    })
}

/// The key of an attempt's StepStarted: the token that the step gets.
pub(crate) fn token(
    step: &StepId,
    slot: u32,
    run_id: RunId,
    plan: &PlanRef,
) -> Result<String, ContainsSeparator> {
    of_event(EventKey {
        run: &run_id.key(),
        step: Some(step.as_str()),
        slot,
        event: EventName::StepStarted.as_str(),
        plan: &plan.plan_id.key(),
        plan_version: &plan.plan_version,
    })
}
