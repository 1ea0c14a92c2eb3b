//! The order of compensations (contract 4.6): the newest success first, one step at a time, the items of one `foreach` side
//! by side. The state keeps one place for each step that is to be undone, so asking for the next one costs no search.

use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::mutant::{self, Mutant};
use crate::state::{Lane, Place, Undo};
use dvt_model::id::StepId;
use dvt_plan::plan::{Plan, Step};

fn place(base: &StepId, seq: u64) -> Place {
    let rank = Place::seq(seq);
    Place::of(Lane::Undo, if mutant::active(Mutant::CompensationOrder) { rank } else { -rank }, base)
}

fn item_place(item: &StepId) -> Place {
    Place::of(Lane::UndoItem, 0, item)
}

/// A step or item has succeeded: it is to be undone, where it names how.
pub(crate) fn add<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    // A step of items has nothing of its own to undo.
    if step.compensate.is_none() || id.is_compensation() || lookup::doing(step, id) == Doing::Items {
        return;
    }
    let Some(base) = lookup::base(plan, id) else { return };
    let seq = ground.run().seq;
    ground.run_mut().undo_left += 1;
    let Some(facts) = ground.step_mut(&base) else { return };
    let undo = facts.undo.get_or_insert_with(Undo::default);
    let before = (undo.waiting > 0).then_some(undo.seq);
    undo.seq = seq;
    undo.waiting += 1;
    undo.max_parallel = step.foreach.as_ref().and_then(|foreach| foreach.max_parallel);
    if let Some(before) = before {
        ground.take(&place(&base, before));
    }
    ground.put(place(&base, seq));
    if id.index().is_some() {
        ground.put(item_place(id));
    }
}

/// A success is taken back: the step will run again.
pub(crate) fn withdraw<G: Ground>(ground: &mut G, id: &StepId) {
    let Some(undo) = ground.step_mut(id).and_then(|facts| facts.undo.take()) else { return };
    let run = ground.run_mut();
    run.undo_left = run.undo_left.saturating_sub(undo.waiting);
    ground.take(&place(id, undo.seq));
}

/// The compensation that may begin now.
pub(crate) fn next<G: Ground>(ground: &G) -> Option<StepId> {
    let base = ground.after(&Lane::Undo.start())?.step?;
    let undo = ground.step(&base)?.undo.as_ref()?;
    if undo.waiting == 0 {
        return None;
    }
    let lower = Place {
        lane: Lane::UndoItem,
        rank: 0,
        step: Some(base.clone()),
        index: None,
        is_compensation: false,
    };
    let item = ground.after(&lower).filter(|place| place.step.as_ref() == Some(&base));
    let room = undo.busy < undo.max_parallel.unwrap_or(u32::MAX);
    match item.and_then(|place| place.id()) {
        Some(item) => room.then(|| item.compensation()),
        None => (undo.busy == 0).then(|| base.compensation()),
    }
}

/// Whether this compensation is the next one: nothing else may begin.
pub(crate) fn is_next<G: Ground>(ground: &G, id: &StepId) -> bool {
    next(ground).as_ref() == Some(id)
}

/// A compensation has begun for the first time.
pub(crate) fn begin<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId) {
    let Some(base) = lookup::base(plan, id) else { return };
    if let Some(undo) = ground.step_mut(&base).and_then(|facts| facts.undo.as_mut()) {
        undo.waiting = undo.waiting.saturating_sub(1);
        undo.busy += 1;
    }
    if let (Some(_), Some(item)) = (id.index(), id.undone()) {
        ground.take(&item_place(&item));
    }
}

/// A compensation is over, well or not.
pub(crate) fn end<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId) {
    let Some(base) = lookup::base(plan, id) else { return };
    let run = ground.run_mut();
    run.undo_left = run.undo_left.saturating_sub(1);
    let Some(undo) = ground.step_mut(&base).and_then(|facts| facts.undo.as_mut()) else { return };
    undo.busy = undo.busy.saturating_sub(1);
    if undo.busy == 0 && undo.waiting == 0 {
        let seq = undo.seq;
        ground.take(&place(&base, seq));
    }
}
