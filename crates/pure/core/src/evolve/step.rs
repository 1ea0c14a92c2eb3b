//! The fold of step events, with the conditions that stand beside the table.

use super::{body, invalid, shown};
use crate::condition::Kind;
use crate::event::body::{StepCompleted, StepFailed, StepRedispatched, StepSkipped, StepStarted};
use crate::event::{Event, InvalidTransition};
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::ready;
use crate::state::{Lane, Place};
use crate::table::{self, StepEvent};
use crate::way_out;
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::id::StepId;
use dvt_model::run::StepStatus;
use dvt_plan::plan::{Plan, Step};

pub(super) fn apply<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    event: &Event,
    row: StepEvent,
) -> Result<(), InvalidTransition> {
    let found =
        event.step_id.as_ref().and_then(|id| Some((id, plan.steps.get(id)?, ground.step(id)?.clone())));
    let Some((id, step, facts)) = found else {
        return Err(invalid(
            event,
            "a step of the plan",
            event.step_id.as_ref().map_or("(none)", StepId::as_str),
        ));
    };
    let Some(next) = table::step(facts.status, row) else {
        return Err(invalid(event, followed(row), facts.status.as_str()));
    };
    let run = ground.run();
    if !run.status.is_some_and(|status| table::while_run_is(status, row)) {
        return Err(invalid(event, "a run that goes on", shown(run.status)));
    }
    if row == StepEvent::Started && !way_out::may_begin_now(run, facts.kind) {
        return Err(invalid(event, "a run in which the step may begin", "a run on its way out"));
    }
    let (slot, engine) = match row {
        StepEvent::Redispatched => (LogicalAttemptId(facts.redispatches + 1), facts.engine.next()),
        StepEvent::Started
        | StepEvent::Completed
        | StepEvent::Failed
        | StepEvent::Skipped
        | StepEvent::Reused
        | StepEvent::RetryRequested
        | StepEvent::Voted => (facts.logical, facts.engine),
    };
    if (event.slot, event.engine_attempt_id) != (slot, engine) {
        let shown =
            |slot: LogicalAttemptId, engine: EngineAttemptId| format!("slot {slot}, dispatch {engine}");
        return Err(invalid(event, shown(slot, engine), shown(event.slot, event.engine_attempt_id)));
    }
    // Payloads are read before anything is written: a refused event leaves the state untouched.
    match row {
        StepEvent::Started => started(plan, ground, id, step, body(event)?, event),
        StepEvent::Redispatched => {
            let StepRedispatched { .. } = body(event)?;
            ground.run_mut().seq += 1;
            if let Some(facts) = ground.step_mut(id) {
                facts.redispatches += 1;
                facts.engine = engine;
            }
        }
        StepEvent::Completed => {
            let StepCompleted { result, .. } = body(event)?;
            ground.run_mut().seq += 1;
            attempt_ends(plan, ground, id, step);
            ground.run_mut().succeeded += 1;
            keep(ground, id, result);
            if let Some(facts) = ground.step_mut(id) {
                facts.answered = Some((slot, engine));
            }
            step_ends(plan, ground, id, step, next, event);
        }
        StepEvent::Reused | StepEvent::RetryRequested | StepEvent::Voted => {
            return Err(invalid(event, "an event of this release", "a later one"));
        }
        StepEvent::Failed => failed(plan, ground, id, step, body(event)?, event),
        StepEvent::Skipped => {
            let StepSkipped { .. } = body(event)?;
            ground.run_mut().seq += 1;
            ready::remove(plan, ground, id, step);
            step_ends(plan, ground, id, step, next, event);
        }
    }
    Ok(())
}

/// The states in which the event would be possible, for the sentence.
fn followed(row: StepEvent) -> String {
    let states = StepStatus::ALL.iter().filter(|from| table::step(**from, row).is_some());
    states.map(|status| status.as_str()).collect::<Vec<_>>().join(" or ")
}

fn started<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    id: &StepId,
    step: &Step,
    body: StepStarted,
    event: &Event,
) {
    ready::remove(plan, ground, id, step);
    let run = ground.run_mut();
    run.seq += 1;
    run.running += 1;
    run.timers += u32::from(way_out::is_timer(&step.form));
    let seq = run.seq;
    if let Some(facts) = ground.step_mut(id) {
        facts.status = StepStatus::Running;
        facts.started_seq = seq;
        facts.started_at = Some(event.at);
        facts.due_at = body.due_at;
        facts.retry_at = None;
    }
    ground.put(ready::by_layer(plan, Lane::Running, id));
    if let Some(due) = body.due_at {
        ground.put(Place::of(Lane::Due, due.ms(), id));
    }
    ground.set_inputs(id, Some(body.inputs));
    if mutant::active(Mutant::OutputDroppedTooSoon) {
        ready::release(ground, step);
    }
}

/// The newest attempt runs no more.
fn attempt_ends<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step) {
    let Some(facts) = ground.step(id) else { return };
    let due = facts.due_at.map(|due| Place::of(Lane::Due, due.ms(), id));
    let drained = way_out::is_of_the_drain(ground.run(), facts);
    let timer = way_out::is_timer(&step.form);
    let run = ground.run_mut();
    run.running -= 1;
    run.timers -= u32::from(timer);
    run.draining -= u32::from(drained && !timer);
    ground.take(&ready::by_layer(plan, Lane::Running, id));
    if let Some(due) = due {
        ground.take(&due);
    }
    ground.set_inputs(id, None);
}

fn failed<G: Ground>(plan: &Plan, ground: &mut G, id: &StepId, step: &Step, body: StepFailed, event: &Event) {
    ground.run_mut().seq += 1;
    attempt_ends(plan, ground, id, step);
    // An attempt that the engine itself closed was not answered: a later report of it is late, not repeated.
    let answered = (body.failure.failure_source != crate::decide::ENGINE)
        .then_some((event.slot, event.engine_attempt_id));
    if let Some(facts) = ground.step_mut(id) {
        facts.answered = answered.or(facts.answered);
    }
    if let Some(at) = body.retry_at {
        // The old attempt never changes; the step shows the next one from here on.
        if let Some(facts) = ground.step_mut(id) {
            facts.status = StepStatus::Pending;
            facts.logical = facts.logical.next();
            facts.engine = EngineAttemptId::FIRST;
            facts.started_at = None;
            facts.due_at = None;
            facts.retry_at = Some(at);
        }
        ready::insert(plan, ground, id, step);
        return;
    }
    ground.run_mut().failed += 1;
    if let Some(facts) = ground.step_mut(id) {
        facts.error = Some(body.failure);
    }
    step_ends(plan, ground, id, step, StepStatus::Failed, event);
}

/// The step is terminal: counts, readers, dependants.
fn step_ends<G: Ground>(
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
    let run = ground.run_mut();
    run.open -= 1;
    match kind {
        Kind::Ordinary => {}
        Kind::Failure => run.open_failure -= 1,
        Kind::Always => run.open_always -= 1,
    }
    ready::release(ground, step);
    ready::settle(plan, ground, id);
}

/// Keeps an output while an open expression names it, and no longer.
fn keep<G: Ground>(ground: &mut G, id: &StepId, result: serde_json::Value) {
    let Some(facts) = ground.step_mut(id).filter(|facts| facts.readers > 0) else { return };
    let bytes = size(&result);
    facts.output_bytes = bytes;
    ground.run_mut().kept_bytes += bytes;
    ground.set_output(id, Some(result));
}

/// The weight of a value: its canonical bytes.
pub(crate) fn size(value: &serde_json::Value) -> u64 {
    canonical::to_bytes(value).map_or(0, |bytes| bytes.len() as u64)
}
