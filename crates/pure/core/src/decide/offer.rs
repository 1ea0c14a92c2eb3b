//! `Offer {slots}`: the only way in which steps start. Conditions are asked here, lazily, in the order of the ready set;
//! what is left out frees its dependants in the same append.
//!
//! A step inside the engine takes no slot; a step that only starts and ends takes no place beside the others either.

use super::begin::begin;
use super::draft::{Draft, unknown};
use super::finish::finish;
use crate::command::Refusal;
use crate::event::body::{PROVIDER, RunStarted};
use crate::ground::Ground;
use crate::lookup;
use crate::mutant::{self, Mutant};
use crate::ready;
use crate::state::{Lane, Place};
use crate::undo;
use crate::way_out::{self, Phase};
use dvt_model::id::StepId;
use dvt_model::run::{EventName, RunStatus, StepStatus};
use std::collections::BTreeSet;

pub(super) fn decide(draft: &mut Draft<'_>, slots: u32) -> Result<(), Refusal> {
    if draft.run().status == Some(RunStatus::Pending) {
        let waits = draft.queued().is_some_and(|queued| {
            !queued.reuse.is_empty() || queued.start_at.is_some_and(|at| at > draft.now)
        });
        if waits || draft.run().cancel.is_some() {
            return Ok(());
        }
        draft.run_event(EventName::RunStarted, 1, &RunStarted { provider: PROVIDER.to_owned() })?;
    }
    if way_out::goes_on(draft.run()) {
        walk(draft, slots)?;
        finish(draft)?;
    }
    Ok(())
}

/// The two lanes from which steps start in this phase: those that take a slot, and those that take none.
pub(crate) fn lanes(phase: Phase, has_open: bool) -> Option<(Lane, Lane)> {
    match phase {
        Phase::None if has_open => Some((Lane::Ready, Lane::ReadyInside)),
        Phase::Conditional => Some((Lane::Ready, Lane::ReadyInside)),
        Phase::None | Phase::Finally => Some((Lane::Finally, Lane::FinallyInside)),
        Phase::Drain if mutant::active(Mutant::ConditionalInDrain) => Some((Lane::Ready, Lane::ReadyInside)),
        Phase::Drain | Phase::Undo | Phase::Over => None,
    }
}

/// Walks the ready set once, in order. What a skip or an instant step frees lies deeper, hence still ahead.
fn walk(draft: &mut Draft<'_>, mut slots: u32) -> Result<(), Refusal> {
    let was_ending = draft.run().ending_seq.is_some();
    let mut retries = due_retries(draft);
    let mut at: Vec<Place> = Vec::new();
    loop {
        let run = draft.run();
        // The first failure turns the walk into the way out, whose steps come with the next offer.
        let turned = run.ending_seq.is_some() && !was_ending;
        if turned || !way_out::goes_on(run) || way_out::is_full(run) {
            return Ok(());
        }
        let phase = way_out::phase(run);
        let found = match lanes(phase, run.open > 0) {
            Some((programs, inside)) => {
                let after = |lane: Lane| {
                    let from = at.iter().find(|place| place.lane == lane).cloned();
                    draft.after(&from.unwrap_or_else(|| lane.start()))
                };
                let programs = after(programs).filter(|_| slots > 0);
                let retry = next_retry(draft, &retries, slots);
                [programs, retry, after(inside)]
                    .into_iter()
                    .flatten()
                    .min_by(|left, right| order(left).cmp(&order(right)))
            }
            None if phase == Phase::Undo => {
                let next = undo::next(draft).filter(|id| takes_none(draft, id) || slots > 0);
                let next = next.map(|id| Place::of(Lane::UndoItem, 0, &id));
                // Both are of one step: items by index.
                let both = [next, next_retry(draft, &retries, slots)];
                both.into_iter().flatten().min_by_key(|place| place.index)
            }
            None => None,
        };
        let Some(next) = found else { return Ok(()) };
        match next.lane {
            Lane::Retry => drop(retries.remove(&next)),
            Lane::Ready
            | Lane::ReadyInside
            | Lane::Finally
            | Lane::FinallyInside
            | Lane::Due
            | Lane::Running
            | Lane::Signal
            | Lane::Failed
            | Lane::FailedFinally
            | Lane::Undo
            | Lane::UndoItem
            | Lane::End => {
                at.retain(|place| place.lane != next.lane);
                at.push(next.clone());
            }
        }
        let Some(id) = next.id() else { continue };
        if begin(draft, &id)? {
            slots = slots.saturating_sub(1);
        }
        retries.extend(freed_retries(draft, &id));
    }
}

fn order(place: &Place) -> (i64, Option<&StepId>, Option<u32>) {
    (place.rank, place.step.as_ref(), place.index)
}

fn takes_none(draft: &Draft<'_>, id: &StepId) -> bool {
    lookup::definition(draft.plan, id).is_some_and(|step| ready::is_inside(step, id))
}

/// The first retry that may begin now.
fn next_retry(draft: &Draft<'_>, retries: &BTreeSet<Place>, slots: u32) -> Option<Place> {
    let may = |place: &&Place| {
        let Some(id) = place.id() else { return false };
        let kind = draft.step(&id).map(|facts| facts.kind);
        kind.is_some_and(|kind| way_out::may_begin_now(draft.run(), kind))
            && (slots > 0 || takes_none(draft, &id))
    };
    retries.iter().find(may).cloned()
}

/// Retries whose time has come, by layer like the rest.
fn due_retries(draft: &Draft<'_>) -> BTreeSet<Place> {
    let mut due = BTreeSet::new();
    let mut at = Lane::Retry.start();
    while let Some(place) = draft.after(&at).filter(|place| place.rank <= draft.now.ms()) {
        due.extend(place.id().map(|id| ready::by_layer(draft.plan, Lane::Retry, &id)));
        at = place;
    }
    due
}

/// Retries whose time had come before a need of theirs, tried again itself, ended in this very walk. They lie deeper, like all
/// that it frees.
fn freed_retries(draft: &Draft<'_>, ended: &StepId) -> Vec<Place> {
    let is_due = |id: &&StepId| {
        let facts = draft.step(id).filter(|facts| facts.status == StepStatus::Pending && facts.missing == 0);
        facts.is_some_and(|facts| facts.retry_at.is_some_and(|at| at <= draft.now))
    };
    let freed = draft.plan.dependants(ended.step()).filter(is_due);
    freed.map(|id| ready::by_layer(draft.plan, Lane::Retry, id)).collect()
}

/// The step that a place belongs to, where the plan has it.
pub(super) fn step_of<'p>(draft: &Draft<'p>, id: &StepId) -> Result<&'p dvt_plan::plan::Step, Refusal> {
    lookup::definition(draft.plan, id).ok_or_else(|| unknown(id))
}
