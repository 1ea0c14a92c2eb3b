//! The fold of run events, with the conditions that stand beside the table.

use super::{body, ending, invalid, shown};
use crate::condition;
use crate::event::body::{Cancellation, FailingCause, RunFailing, RunQueued};
use crate::event::{Event, InvalidTransition};
use crate::ground::Ground;
use crate::ready;
use crate::render;
use crate::state::{Cancel, Failing, Queued, Run, Step};
use crate::table::{self, RunEvent};
use crate::way_out::{self, Phase};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::plan::Plan;

pub(super) fn apply<G: Ground>(
    plan: &Plan,
    ground: &mut G,
    event: &Event,
    row: RunEvent,
) -> Result<(), InvalidTransition> {
    let run = ground.run();
    let Some(next) = table::run(run.status, row) else {
        return Err(invalid(event, followed(row), shown(run.status)));
    };
    if let Some(expected) = broken_condition(run, row) {
        return Err(invalid(event, expected, "another one"));
    }
    let slot = match row {
        RunEvent::Failing => run.failings + 1,
        RunEvent::Queued
        | RunEvent::Started
        | RunEvent::CancelRequested
        | RunEvent::Completed
        | RunEvent::Failed
        | RunEvent::Cancelled
        | RunEvent::Paused
        | RunEvent::Resumed
        | RunEvent::SignalReceived => 1,
    };
    if event.slot.0 != slot || event.step_id.is_some() {
        return Err(invalid(event, format!("slot {slot} and no step"), format!("slot {}", event.slot)));
    }
    // Payloads are read before anything is written: a refused event leaves the state untouched.
    match row {
        RunEvent::Queued => queued(plan, ground, body(event)?, event),
        RunEvent::Started => {
            ground.run_mut().started_at = Some(event.at);
            let first = plan.steps.iter().filter(|(_, step)| step.needs.is_empty());
            enter(ground, next);
            first.for_each(|(id, step)| ready::insert(plan, ground, id, step));
        }
        RunEvent::Paused | RunEvent::Resumed | RunEvent::SignalReceived => {
            return Err(invalid(event, "an event of this release", "a later one"));
        }
        RunEvent::Failing => failing(plan, ground, body(event)?, event, next),
        RunEvent::CancelRequested => {
            let Cancellation { cause, signal_id, failure: _ } = body(event)?;
            enter(ground, next);
            let run = ground.run_mut();
            run.cancel = Some(Cancel { cause, signal_id });
            run.stopping_since = run.stopping_since.or(Some(event.at));
            ending(plan, ground);
        }
        RunEvent::Completed | RunEvent::Failed | RunEvent::Cancelled => {
            enter(ground, next);
            ground.run_mut().completed_at = Some(event.at);
            for name in render::names_of_outputs(plan) {
                ready::let_go(ground, &name);
            }
        }
    }
    Ok(())
}

fn enter<G: Ground>(ground: &mut G, next: RunStatus) {
    let run = ground.run_mut();
    run.status = Some(next);
    run.seq += 1;
}

/// The condition of contract 4.4 that does not hold, if one does not.
fn broken_condition(run: &Run, row: RunEvent) -> Option<&'static str> {
    let is_ending = run.ending_seq.is_some();
    let over = run.status == Some(RunStatus::Pending) || way_out::phase(run) == Phase::Over;
    let (holds, expected) = match row {
        RunEvent::Queued => (true, ""),
        RunEvent::Started => (run.cancel.is_none(), "a run that is not cancelling"),
        RunEvent::Failing => (!is_ending, "a run that is not ending"),
        RunEvent::Paused | RunEvent::Resumed | RunEvent::SignalReceived => (true, ""),
        RunEvent::CancelRequested => (run.cancel.is_none(), "a run that is not cancelling yet"),
        RunEvent::Completed => (!is_ending && run.open == 0, "a run of which every step is terminal"),
        // The last case is that of a plan whose outputs could not be evaluated.
        RunEvent::Failed => (
            run.status == Some(RunStatus::Pending)
                || (run.failing.is_some() && over)
                || (!is_ending && (run.succeeded == 0 || run.open == 0)),
            "a failing run at the end of its way out",
        ),
        RunEvent::Cancelled => (run.cancel.is_some() && over, "a cancelling run at the end of its way out"),
    };
    // A terminal event closes running attempts before itself.
    let idle = !event_is_end(row) || run.running == 0;
    if !holds {
        Some(expected)
    } else if !idle {
        Some("a run with no attempt running")
    } else {
        None
    }
}

fn event_is_end(row: RunEvent) -> bool {
    match row {
        RunEvent::Completed | RunEvent::Failed | RunEvent::Cancelled => true,
        RunEvent::Queued
        | RunEvent::Started
        | RunEvent::Failing
        | RunEvent::CancelRequested
        | RunEvent::Paused
        | RunEvent::Resumed
        | RunEvent::SignalReceived => false,
    }
}

/// The states in which the event would be possible, for the sentence.
fn followed(row: RunEvent) -> String {
    let states = RunStatus::ALL.iter().copied().map(Some).chain([None]);
    states.filter(|from| table::run(*from, row).is_some()).map(shown).collect::<Vec<_>>().join(" or ")
}

fn queued<G: Ground>(plan: &Plan, ground: &mut G, body: RunQueued, event: &Event) {
    enter(ground, RunStatus::Pending);
    ground.set_queued(Queued {
        run_id: body.run_id,
        tenant_id: body.tenant_id,
        plan: body.plan_ref,
        inputs: body.inputs,
        power: body.power,
    });
    for (id, step) in &plan.steps {
        let kind = condition::kind(step.condition.as_ref());
        let facts = Step {
            status: StepStatus::Pending,
            kind,
            logical: LogicalAttemptId::FIRST,
            engine: EngineAttemptId::FIRST,
            redispatches: 0,
            missing: u32::try_from(step.needs.len()).unwrap_or(u32::MAX),
            readers: 0,
            started_seq: 0,
            started_at: None,
            completed_at: None,
            due_at: None,
            retry_at: None,
            error: None,
            answered: None,
            output_bytes: 0,
        };
        ground.add_step(id.clone(), facts);
        let run = ground.run_mut();
        run.open += 1;
        match kind {
            condition::Kind::Ordinary => {}
            condition::Kind::Failure => run.open_failure += 1,
            condition::Kind::Always => run.open_always += 1,
        }
    }
    let named = plan.steps.values().flat_map(render::names_of).chain(render::names_of_outputs(plan));
    for name in named {
        if let Some(facts) = ground.step_mut(&name) {
            facts.readers += 1;
        }
    }
    let run = ground.run_mut();
    run.queued_at = Some(event.at);
    run.max_parallel = plan.max_parallel;
    run.max_duration_ms = plan.max_duration_ms;
}

fn failing<G: Ground>(plan: &Plan, ground: &mut G, body: RunFailing, event: &Event, next: RunStatus) {
    enter(ground, next);
    let run = ground.run_mut();
    run.failings += 1;
    match body.cause {
        FailingCause::StepFailed | FailingCause::HoldExpired => {}
        FailingCause::RunTimeout => run.stopping_since = run.stopping_since.or(Some(event.at)),
    }
    run.failing = Some(Failing { cause: body.cause, failed_step_id: body.failed_step_id });
    ending(plan, ground);
}
