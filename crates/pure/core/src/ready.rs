//! The ready set. Each step counts the needs that may still come; a step that settles counts down its dependants, and
//! that is all: O(out-degree) per completed step. Order: dependency layer, then step id in byte order, then the item.
//!
//! Of a `foreach` at most one item stands here, the next one: it makes room for the one after it when it begins.

use crate::condition::Kind;
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::mutant::{self, Mutant};
use crate::state::{Lane, Place};
use crate::way_out;
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Plan, Step};

/// The place of a step in a lane that is ordered by layer.
pub(crate) fn by_layer(plan: &Plan, lane: Lane, id: &StepId) -> Place {
    let layer = i64::from(plan.layer(id.step()));
    let rank = if mutant::active(Mutant::OrderReversed) {
        -layer
    } else if mutant::active(Mutant::UnorderedReady) {
        mutant::unordered(id.as_str())
    } else {
        layer
    };
    Place::of(lane, rank, id)
}

fn ready_lane(step: &Step, id: &StepId, kind: Kind) -> Lane {
    let is_inside = lookup::doing(step, id) != Doing::Worker;
    match (kind, is_inside) {
        (Kind::Finally, true) => Lane::FinallyInside,
        (Kind::Finally, false) => Lane::Finally,
        (Kind::Ordinary | Kind::Failure | Kind::Always | Kind::Compensation, true) => Lane::ReadyInside,
        (Kind::Ordinary | Kind::Failure | Kind::Always | Kind::Compensation, false) => Lane::Ready,
    }
}

/// The place in which a step waits for its time: ready, or for its retry.
fn pending_place(plan: &Plan, id: &StepId, step: &Step, kind: Kind, retry_at: Option<Timestamp>) -> Place {
    match retry_at {
        Some(at) => Place::of(Lane::Retry, at.ms(), id),
        None => by_layer(plan, ready_lane(step, id, kind), id),
    }
}

/// Makes a pending step of the plan ready (or due for its retry), if it may still begin: while a run drains its failure may
/// be withdrawn, so what becomes ready then keeps its place until the drain is over.
pub(crate) fn insert<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    let Some(facts) = ground.step(id) else { return };
    let may = way_out::may_begin(ground.run(), facts.kind) || !ground.run().is_swept;
    if facts.status == StepStatus::Pending && may {
        let place = pending_place(plan, id, step, facts.kind, facts.retry_at);
        ground.put(place);
    }
}

/// Makes an attempt due for its retry.
pub(crate) fn insert_retry<G: Ground>(ground: &mut G, id: &StepId, at: Timestamp) {
    ground.put(Place::of(Lane::Retry, at.ms(), id));
}

/// Takes a step out of the ready set.
pub(crate) fn remove<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    let Some(facts) = lookup::facts(plan, ground, id) else { return };
    let place = pending_place(plan, id, step, facts.kind, facts.retry_at);
    ground.take(&place);
}

/// A step is settled: terminal, or never to begin. Those that wait for it count down.
pub(crate) fn settle<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId) {
    for dependant in plan.dependants(id) {
        let Some(facts) = ground.step_mut(dependant) else { continue };
        facts.missing = facts.missing.saturating_sub(1);
        let complete = facts.missing == 0 || mutant::active(Mutant::LostJoin);
        let Some(step) = plan.steps.get(dependant) else { continue };
        if complete {
            insert(plan, ground, dependant, step);
        }
    }
}

/// A settled step comes again: those that have not begun wait for it once more.
pub(crate) fn unsettle<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId) {
    for dependant in plan.dependants(id) {
        let Some(facts) = ground.step(dependant).filter(|facts| facts.status == StepStatus::Pending) else {
            continue;
        };
        let was_ready = facts.missing == 0;
        let Some(step) = plan.steps.get(dependant) else { continue };
        if was_ready {
            remove(plan, ground, dependant, step);
        }
        if let Some(facts) = ground.step_mut(dependant) {
            facts.missing += 1;
        }
    }
}

/// Whether a place of the foreach's next item is due now: there is one, and room for it.
fn next_is_open<G: Ground>(ground: &G, base: &StepId) -> Option<StepId> {
    let facts = ground.step(base)?;
    let items = facts.items.as_ref()?;
    let room = items.max_parallel.is_none_or(|most| items.busy < most);
    let goes_on = items.failed.is_none() && items.next < items.count;
    (facts.status == StepStatus::Running && room && goes_on).then(|| base.item(items.next))
}

/// Puts the next item of a `foreach` in its place, or takes it away, as things stand now.
pub(crate) fn place_next_item<G: Ground>(plan: &Plan, ground: &mut G, base: &StepId, step: &Step) {
    let Some(facts) = ground.step(base) else { return };
    let (kind, Some(items)) = (facts.kind, facts.items.as_ref()) else { return };
    let place = by_layer(plan, item_lane(step, kind), &base.item(items.next));
    if next_is_open(ground, base).is_some() {
        ground.put(place);
    } else {
        ground.take(&place);
    }
}

fn item_lane(step: &Step, kind: Kind) -> Lane {
    ready_lane(step, &step.id.item(0), kind)
}

/// Whether the engine itself does the step: it takes no slot.
pub(crate) fn is_inside(step: &Step, id: &StepId) -> bool {
    lookup::doing(step, id) != Doing::Worker
}

/// A step asks no more: outputs that only it named are let go.
pub(crate) fn release<G: Ground>(ground: &mut G, step: &Step) {
    for name in &step.reads {
        let_go(ground, name);
    }
}

/// One reader less.
pub(crate) fn let_go<G: Ground>(ground: &mut G, id: &StepId) {
    let Some(facts) = ground.step_mut(id) else { return };
    facts.readers = facts.readers.saturating_sub(1);
    if facts.readers == 0 {
        forget(ground, id);
    }
}

/// Drops an output that is kept.
pub(crate) fn forget<G: Ground>(ground: &mut G, id: &StepId) {
    let Some(facts) = ground.step_mut(id) else { return };
    let bytes = std::mem::take(&mut facts.output_bytes);
    let run = ground.run_mut();
    run.kept_bytes = run.kept_bytes.saturating_sub(bytes);
    ground.set_output(id, None);
}
