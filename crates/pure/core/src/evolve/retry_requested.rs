//! StepRetryRequested: the next attempt, in PENDING. What was settled is open again: those that have not begun wait for it.

use crate::condition::Kind;
use crate::event::body::StepRetryRequested;
use crate::ground::Ground;
use crate::lookup::{self, Doing};
use crate::mutant::{self, Mutant};
use crate::state::{Lane, Place};
use crate::{ready, undo, way_out};
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_plan::plan::{Plan, Step};

pub(super) fn apply<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    body: StepRetryRequested,
) {
    ground.run_mut().seq += 1;
    let Some(was) = ground.step(id).map(|facts| facts.status) else { return };
    match was {
        StepStatus::Failed => {
            leave_failed_set(ground, id);
            let run = ground.run_mut();
            run.failed = run.failed.saturating_sub(1);
            forgive_finally(ground, id);
        }
        StepStatus::Success => {
            ground.run_mut().succeeded -= 1;
            if lookup::doing(step, id) != Doing::Items {
                undo::withdraw(ground, id);
            }
            ready::forget(ground, id);
        }
        StepStatus::Skipped | StepStatus::Pending | StepStatus::Running => {}
    }
    let missing = open_needs(ground, step);
    let Some(facts) = ground.step_mut(id) else { return };
    lookup::next_attempt(facts);
    facts.retry_requests += 1;
    facts.missing = missing;
    let (kind, has_released) = (facts.kind, std::mem::replace(&mut facts.has_released, false));
    let run = ground.run_mut();
    match kind {
        Kind::Ordinary | Kind::Compensation => run.open += 1,
        Kind::Failure => (run.open, run.open_failure) = (run.open + 1, run.open_failure + 1),
        Kind::Always => (run.open, run.open_always) = (run.open + 1, run.open_always + 1),
        Kind::Finally => run.open_finally += 1,
    }
    if has_released {
        for read in &step.reads {
            if let Some(facts) = ground.step_mut(read) {
                facts.readers += 1;
            }
        }
    }
    for (read, output) in body.restored {
        super::step_end::keep(ground, &read, output);
    }
    ready::unsettle(plan, ground, id);
    withdraw_failing(ground);
    if missing == 0 {
        ready::insert(plan, ground, id, step);
    }
}

/// A `finally` step that failed comes again: its failure counts no more.
fn forgive_finally<G: Ground>(ground: &mut G, id: &StepId) {
    let mut at = Lane::FailedFinally.start();
    while let Some(place) = ground.after(&at) {
        if place.step.as_ref() == Some(id) {
            ground.take(&place);
            let run = ground.run_mut();
            run.failed_finally = run.failed_finally.saturating_sub(1);
        }
        at = place;
    }
}

/// Needs that have not ended, or are to come again.
pub(super) fn open_needs<G: Ground>(ground: &G, step: &Step) -> u32 {
    let open = step.needs.iter().filter(|need| is_open(ground, need)).count();
    u32::try_from(open).unwrap_or(u32::MAX)
}

fn is_open<G: Ground>(ground: &G, need: &StepId) -> bool {
    let Some(facts) = ground.step(need) else { return false };
    match facts.status {
        StepStatus::Running => true,
        // What will never begin was settled by the sweep.
        StepStatus::Pending => way_out::may_begin(ground.run(), facts.kind) || !ground.run().is_swept,
        StepStatus::Success | StepStatus::Failed | StepStatus::Skipped => false,
    }
}

/// RunFailing STEP_FAILED is withdrawn if the failed set is empty before the drain ends.
fn withdraw_failing<G: Ground>(ground: &mut G) {
    let run = ground.run_mut();
    let stands = run.failed_set > 0 || mutant::active(Mutant::FailingNotWithdrawn);
    if run.failing.is_some() && run.cancel.is_none() && !run.is_swept && !stands {
        run.failing = None;
        run.ending_seq = None;
        run.draining = 0;
    }
}

/// Takes a step out of the failed set, where it is in it.
pub(super) fn leave_failed_set<G: Ground>(ground: &mut G, id: &StepId) {
    let Some(seq) = ground.step_mut(id).map(|facts| std::mem::take(&mut facts.failed_seq)) else { return };
    if seq > 0 {
        let run = ground.run_mut();
        run.failed_set = run.failed_set.saturating_sub(1);
        ground.take(&Place::of(Lane::Failed, Place::seq(seq), id));
    }
}
