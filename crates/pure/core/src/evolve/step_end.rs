//! The ends of attempts: counts, readers, dependants, the failed set, the places that are left.

use super::retry_requested;
use super::step::counts;
use crate::about::About;
use crate::condition::Kind;
use crate::event::Event;
use crate::event::body::StepFailed;
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::mutant::{self, Mutant};
use crate::state::{Lane, Place};
use crate::{ready, undo, way_out};
use dvt_model::canonical;
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_plan::plan::{Plan, Step};

/// The newest attempt runs no more. An item that will be retried keeps its place among `maxParallel`.
pub(super) fn attempt_ends<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step, is_final: bool) {
    let Some(facts) = ground.step(id) else { return };
    let (doing, started_seq) = (facts.doing, facts.started_seq);
    let due = facts.due_at.map(|due| Place::of(Lane::Due, due.ms(), id));
    let drained = way_out::is_of_the_drain(ground.run(), facts) && doing.holds_drain();
    let run = ground.run_mut();
    run.running -= 1;
    match doing {
        Doing::Worker | Doing::Noop => {}
        Doing::Standing => run.timers -= 1,
        Doing::Child => run.children -= 1,
        Doing::Items => run.bases -= 1,
    }
    run.draining = run.draining.saturating_sub(u32::from(drained));
    ground.take(&ready::by_layer(plan, Lane::Running, id));
    if let Some(due) = due {
        ground.take(&due);
    }
    if doing == Doing::Standing {
        ground.take(&Place::of(Lane::Signal, Place::seq(started_seq), id));
    }
    if doing == Doing::Items {
        give_up_retries(ground, id);
        // The items stay where they are until the step has succeeded and none of them is to be undone.
        if let Some(next) = ground.step(id).and_then(|facts| facts.items.as_ref()).map(|items| items.next) {
            ready::remove(plan, ground, &id.item(next), step);
        }
        return;
    }
    ground.set_inputs(id, None);
    if is_final && id.index().is_some() && !id.is_compensation() {
        item_ends(plan, ground, id, step);
    }
}

/// An item is over: the next one has room.
pub(super) fn item_ends<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    let Some(base) = lookup::base(plan, id) else { return };
    if let Some(items) = ground.step_mut(&base).and_then(|facts| facts.items.as_mut()) {
        items.busy = items.busy.saturating_sub(1);
    }
    ready::place_next_item(plan, ground, &base, step);
}

pub(super) fn failed<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    body: StepFailed,
    event: &Event,
) {
    ground.run_mut().seq += 1;
    attempt_ends(plan, ground, id, step, body.retry_at.is_none());
    // An attempt that the engine itself closed was not answered: a later report of it is late, not repeated.
    let answered = (body.failure.failure_source != crate::decide::ENGINE)
        .then_some((event.slot, event.engine_attempt_id));
    ground.meet(body.about.as_ref());
    let Some(facts) = ground.step_mut(id) else { return };
    facts.about = body.about.map(About::told).or_else(|| facts.about.take());
    facts.answered = answered.or(facts.answered);
    if let Some(at) = body.retry_at {
        lookup::next_attempt(facts);
        facts.retry_at = Some(at);
        // A need may have been tried again meanwhile: the next attempt waits for it as the first one did.
        let missing = if id.is_plain() { retry_requested::open_needs(ground, step) } else { 0 };
        if let Some(facts) = ground.step_mut(id) {
            facts.missing = missing;
        }
        if missing == 0 && way_out::may_begin(ground.run(), kind_of(ground, id)) {
            ready::insert_retry(ground, id, at);
        }
        return;
    }
    facts.error = Some(body.failure);
    let kind = facts.kind;
    if id.is_plain() {
        let run = ground.run_mut();
        run.failed += 1;
        if counts(step, kind) {
            run.failed_set += 1;
            let seq = run.seq;
            ground.put(Place::of(Lane::Failed, Place::seq(seq), id));
            if let Some(facts) = ground.step_mut(id) {
                facts.failed_seq = seq;
            }
        } else if kind == Kind::Finally && !step.continue_on_error {
            run.failed_finally += 1;
            let seq = run.seq;
            ground.put(Place::of(Lane::FailedFinally, Place::seq(seq), id));
        }
    } else if !id.is_compensation()
        && (!step.continue_on_error || mutant::active(Mutant::ContinueOnErrorIgnored))
    {
        // No further item starts.
        if let Some(base) = lookup::base(plan, id) {
            let next = ground.step(&base).and_then(|facts| facts.items.as_ref()).map(|items| items.next);
            if let Some(next) = next {
                ready::remove(plan, ground, &base.item(next), step);
            }
            let items = ground.step_mut(&base).and_then(|facts| facts.items.as_mut());
            if let Some(items) = items.filter(|items| items.failed.is_none()) {
                items.failed = id.index();
                give_up_retries(ground, &base);
            }
        }
    }
    step_ends(plan, ground, id, step, StepStatus::Failed, event);
}

/// Items that wait for their retry do not begin again in this attempt of their step: it ends with those that run.
fn give_up_retries<G: Ground>(ground: &mut G, base: &StepId) {
    let busy = ground.step(base).and_then(|facts| facts.items.as_ref()).map_or(0, |items| items.busy);
    if busy == 0 {
        return;
    }
    let mut at = Lane::Retry.start();
    while let Some(place) = ground.after(&at) {
        let is_item = place.step.as_ref() == Some(base) && place.index.is_some() && !place.is_compensation;
        if let Some(id) = place.id().filter(|_| is_item) {
            ground.take(&place);
            if let Some(facts) = ground.step_mut(&id) {
                facts.retry_at = None;
            }
            if let Some(items) = ground.step_mut(base).and_then(|facts| facts.items.as_mut()) {
                items.busy = items.busy.saturating_sub(1);
            }
        }
        at = place;
    }
}

fn kind_of<G: Ground>(ground: &G, id: &StepId) -> Kind {
    ground.step(id).map_or(Kind::Ordinary, |facts| facts.kind)
}

/// The step, item or compensation is terminal: counts, readers, dependants.
pub(super) fn step_ends<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    status: StepStatus,
    event: &Event,
) {
    let Some(facts) = ground.step_mut(id) else { return };
    facts.status = status;
    facts.completed_at = Some(event.at);
    let kind = facts.kind;
    if id.is_compensation() {
        undo::end(plan, ground, id);
        return;
    }
    if !id.is_plain() {
        return;
    }
    let has_items = facts.items.is_some();
    // A failed step may be tried again, and needs what it reads until then.
    let releases = status != StepStatus::Failed && !std::mem::replace(&mut facts.has_released, true);
    let run = ground.run_mut();
    match kind {
        Kind::Ordinary | Kind::Compensation => run.open -= 1,
        Kind::Failure => (run.open, run.open_failure) = (run.open - 1, run.open_failure - 1),
        Kind::Always => (run.open, run.open_always) = (run.open - 1, run.open_always - 1),
        Kind::Finally => run.open_finally -= 1,
    }
    if releases {
        ready::release(ground, step);
    }
    if has_items && status == StepStatus::Success {
        drop_items(ground, id, step);
    }
    ready::settle(plan, ground, id);
}

/// The list of all outputs stands in the step's own result; what the items left is asked for no more, but by what undoes
/// them.
fn drop_items<G: Ground>(ground: &mut G, base: &StepId, step: &Step) {
    if let Some(compensation) = &step.compensate {
        let names_item = {
            let mut names = false;
            compensation.each_expression(&mut |expression| names |= expression.uses_item());
            names
        };
        if !names_item {
            ground.set_inputs(base, None);
        }
        if compensation.reads.contains(base) {
            return;
        }
    } else {
        ground.set_inputs(base, None);
    }
    let count = ground.step(base).and_then(|facts| facts.items.as_ref()).map_or(0, |items| items.count);
    for index in 0..count {
        ready::forget(ground, &base.item(index));
    }
}

/// Keeps an output while an open expression names it, and no longer; that of an item until its step is over.
pub(super) fn keep<G: Ground>(ground: &mut G, id: &StepId, result: serde_json::Value) {
    let is_item = id.index().is_some() && !id.is_compensation();
    let Some(facts) = ground.step_mut(id).filter(|facts| facts.readers > 0 || is_item) else { return };
    let bytes = size(&result);
    facts.output_bytes = bytes;
    ground.run_mut().kept_bytes += bytes;
    ground.set_output(id, Some(result));
}

/// The weight of a value: its canonical bytes.
pub(crate) fn size(value: &serde_json::Value) -> u64 {
    canonical::to_bytes(value).map_or(0, |bytes| bytes.len() as u64)
}
