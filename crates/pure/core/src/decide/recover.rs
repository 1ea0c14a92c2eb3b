//! `Recover`: the engine came back, and its workers had died with it. What was running is given out again: the same logical
//! attempt, the same token, a new dispatch. A step that completed is not touched.
// INVARIANT(INV-29): recovery repeats no completed step.

use super::ENGINE;
use super::close::close;
use super::complete::settle_items;
use super::draft::{Draft, unknown};
use super::fail::{fail, failure};
use super::finish::finish;
use super::offer::step_of;
use super::{child, dispatch};
use crate::command::Refusal;
use crate::event::body::{RedispatchCause, StepRedispatched};
use crate::ground::Ground;
use crate::lookup::Doing;
use crate::mutant::{self, Mutant};
use crate::state::Lane;
use crate::way_out;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::failure::{FailureCategory, Usage};
use dvt_model::id::StepId;
use dvt_model::run::{EventName, StepStatus};

/// A dispatch more than this and the step is what kills workers.
pub const MAX_DISPATCHES: u32 = 5;

pub(super) fn decide(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    if !way_out::is_open(draft.run()) {
        return Ok(());
    }
    let mut running = draft.lane(Lane::Running);
    if mutant::active(Mutant::RedispatchCompleted) {
        let plan = draft.plan;
        let done = plan
            .steps
            .keys()
            .filter(|id| draft.step(id).is_some_and(|facts| facts.status == StepStatus::Success));
        running.extend(done.cloned());
    }
    for id in running {
        again(draft, &id, RedispatchCause::EngineRestart)?;
    }
    finish(draft)
}

/// A worker is lost, and the engine is not: what it ran is given out again. What it had ended already is not.
pub(super) fn lost(
    draft: &mut Draft<'_>,
    lost: &[(StepId, LogicalAttemptId, EngineAttemptId)],
) -> Result<(), Refusal> {
    if !way_out::is_open(draft.run()) {
        return Ok(());
    }
    for (id, logical, engine) in lost {
        let runs = draft.step(id).is_some_and(|facts| {
            (facts.status, facts.logical, facts.engine) == (StepStatus::Running, *logical, *engine)
        });
        if runs {
            again(draft, id, RedispatchCause::WorkerLost)?;
        }
    }
    finish(draft)
}

fn again(draft: &mut Draft<'_>, id: &StepId, cause: RedispatchCause) -> Result<(), Refusal> {
    let step = step_of(draft, id)?;
    let facts = draft.step(id).ok_or_else(|| unknown(id))?;
    match facts.doing {
        Doing::Worker => {}
        // The child's run recovers by itself; if it was never admitted, it is now.
        Doing::Child => return child::give_out(draft, id),
        // What the engine does has its time in the state.
        Doing::Noop | Doing::Standing | Doing::Items => return Ok(()),
    }
    if way_out::is_of_the_drain(draft.run(), facts) && way_out::is_stopping(draft.run()) {
        match cause {
            // What was being ended stays so: the worker is told again, and `Due` closes it.
            RedispatchCause::EngineRestart => draft.stop(id, way_out::GRACE_MS),
            // Nobody is left who could say that it ended.
            RedispatchCause::WorkerLost => {
                close(draft, id)?;
                settle_items(draft, id)?;
            }
        }
        return Ok(());
    }
    if facts.engine.0 >= MAX_DISPATCHES {
        let message = format!("the worker was lost {MAX_DISPATCHES} times with this attempt");
        let failure = failure(Code::WorkerLost, FailureCategory::System, ENGINE, message);
        return fail(draft, id, failure, Usage::default());
    }
    let body =
        StepRedispatched { logical_attempt_id: facts.logical, engine_attempt_id: facts.engine.next(), cause };
    let nth = LogicalAttemptId(facts.redispatches + 1);
    draft.event(EventName::StepRedispatched, Some(id.clone()), nth, body.engine_attempt_id, &body)?;
    dispatch::dispatch(draft, id, step)
}
