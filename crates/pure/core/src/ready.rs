//! The ready set. Each step counts the needs that may still come; a step that settles counts down its dependants, and
//! that is all: O(out-degree) per completed step. Order: dependency layer, then step id in byte order.

use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::render;
use crate::state::{Lane, Place};
use crate::way_out;
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Plan, Step};

/// The place of a step in a lane that is ordered by layer.
pub(crate) fn by_layer(plan: &Plan, lane: Lane, id: &StepId) -> Place {
    let layer = i64::from(plan.layers.get(id).copied().unwrap_or(0));
    let rank = if mutant::active(Mutant::OrderReversed) { -layer } else { layer };
    Place::of(lane, rank, id)
}

fn ready_lane(step: &Step) -> Lane {
    if way_out::is_inside(&step.form) { Lane::ReadyInside } else { Lane::Ready }
}

/// The place in which a step waits for its time: ready, or for its retry.
fn pending_place(plan: &Plan, id: &StepId, step: &Step, retry_at: Option<Timestamp>) -> Place {
    match retry_at {
        Some(at) => Place::of(Lane::Retry, at.ms(), id),
        None => by_layer(plan, ready_lane(step), id),
    }
}

/// Makes a pending step ready (or due for its retry), if it may still begin.
pub(crate) fn insert<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    let Some(facts) = ground.step(id) else { return };
    if facts.status == StepStatus::Pending && way_out::may_begin(ground.run(), facts.kind) {
        let place = pending_place(plan, id, step, facts.retry_at);
        ground.put(place);
    }
}

/// Takes a step out of the ready set.
pub(crate) fn remove<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    let Some(facts) = ground.step(id) else { return };
    let place = pending_place(plan, id, step, facts.retry_at);
    ground.take(&place);
}

/// A step is settled: terminal, or never to begin. Those that wait for it count down.
pub(crate) fn settle<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId) {
    for dependant in plan.dependants.get(id).into_iter().flatten() {
        let Some(facts) = ground.step_mut(dependant) else { continue };
        facts.missing = facts.missing.saturating_sub(1);
        let complete = facts.missing == 0 || mutant::active(Mutant::LostJoin);
        let Some(step) = plan.steps.get(dependant) else { continue };
        if complete {
            insert(plan, ground, dependant, step);
        }
    }
}

/// A step asks no more: outputs that only it named are let go.
pub(crate) fn release<G: Ground>(ground: &mut G, step: &Step) {
    for name in render::names_of(step) {
        let_go(ground, &name);
    }
}

/// One reader less.
pub(crate) fn let_go<G: Ground>(ground: &mut G, id: &StepId) {
    let Some(facts) = ground.step_mut(id) else { return };
    facts.readers = facts.readers.saturating_sub(1);
    if facts.readers > 0 {
        return;
    }
    let bytes = std::mem::take(&mut facts.output_bytes);
    ground.run_mut().kept_bytes -= bytes;
    ground.set_output(id, None);
}
