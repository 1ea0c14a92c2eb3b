//! The fold of run events, with the conditions that stand beside the table.

use super::{body, ending, invalid, shown};
use crate::about::About;
use crate::condition::Kind;
use crate::event::body::{
    CancelCause, Cancellation, FailingCause, Pause, RunFailing, RunQueued, SignalReceived,
};
use crate::event::{Event, InvalidTransition};
use crate::ground::Ground;
use crate::lookup;
use crate::mutant::{self, Mutant};
use crate::ready;
use crate::render;
use crate::state::{Cancel, Failing, Paused, Queued, Run};
use crate::table::{self, RunEvent};
use crate::way_out::{self, Phase};
use dvt_model::id::StepId;
use dvt_model::run::RunStatus;
use dvt_plan::plan::{Part, Plan, Step as PlanStep};

/// Named signals that nobody took yet (contract 4.5).
pub(crate) const MAX_KEPT_SIGNALS: u32 = 100;

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
    if let Some(expected) = broken_condition(run, row, event)? {
        return Err(invalid(event, expected, "another one"));
    }
    let slot = match row {
        RunEvent::Failing => run.failings + 1,
        RunEvent::Paused => run.pauses + 1,
        RunEvent::Resumed => run.pauses,
        RunEvent::SignalReceived => run.signals + 1,
        RunEvent::Queued
        | RunEvent::Started
        | RunEvent::CancelRequested
        | RunEvent::Completed
        | RunEvent::Failed
        | RunEvent::Cancelled => 1,
    };
    if event.slot.0 != slot || event.step_id.is_some() {
        return Err(invalid(event, format!("slot {slot} and no step"), format!("slot {}", event.slot)));
    }
    // Payloads are read before anything is written: a refused event leaves the state untouched.
    match row {
        RunEvent::Queued => queued(plan, ground, body(event)?, event),
        RunEvent::Started => {
            ground.run_mut().started_at = Some(event.at);
            enter(ground, next);
            for (id, step) in &plan.steps {
                if ground.step(id).is_some_and(|facts| facts.missing == 0) {
                    ready::insert(plan, ground, id, step);
                }
            }
        }
        RunEvent::Paused => {
            let Pause { cause, signal_id: _ } = body(event)?;
            enter(ground, next);
            let run = ground.run_mut();
            run.pauses += 1;
            run.pause = Some(Paused { cause, since: event.at });
        }
        RunEvent::Resumed => {
            let Pause { .. } = body(event)?;
            enter(ground, next);
            ground.run_mut().pause = None;
        }
        RunEvent::SignalReceived => {
            let signal: SignalReceived = body(event)?;
            enter(ground, next);
            let run = ground.run_mut();
            run.signals += 1;
            run.kept_signals += 1;
            ground.set_signal(slot, Some(signal));
        }
        RunEvent::Failing => failing(ground, body(event)?, event, next),
        RunEvent::CancelRequested => {
            let Cancellation { cause, signal_id, failure: _ } = body(event)?;
            enter(ground, next);
            let run = ground.run_mut();
            run.cancel = Some(Cancel { cause, signal_id });
            run.stopping_since = run.stopping_since.or(Some(event.at));
            ending(ground);
        }
        RunEvent::Completed | RunEvent::Failed | RunEvent::Cancelled => {
            enter(ground, next);
            let run = ground.run_mut();
            run.completed_at = Some(event.at);
            run.kept_bytes = 0;
            run.kept_signals = 0;
            ground.forget_values();
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
fn broken_condition(
    run: &Run,
    row: RunEvent,
    event: &Event,
) -> Result<Option<&'static str>, InvalidTransition> {
    let is_ending = run.ending_seq.is_some();
    let gives_up = way_out::gives_up_at(run).is_some_and(|at| at <= event.at);
    let over = run.status == Some(RunStatus::Pending) || way_out::phase(run) == Phase::Over || gives_up;
    let is_done = run.open == 0 && (run.open_finally == 0 || mutant::active(Mutant::FinallySkipped));
    let (holds, expected) = match row {
        RunEvent::Queued => (true, ""),
        RunEvent::Started => (run.cancel.is_none(), "a run that is not cancelling"),
        RunEvent::Paused | RunEvent::Resumed => (!is_ending, "a run that is not ending"),
        RunEvent::SignalReceived => (run.kept_signals < MAX_KEPT_SIGNALS, "fewer signals that nobody took"),
        RunEvent::Failing => {
            let RunFailing { cause, .. } = body(event)?;
            let may = run.status != Some(RunStatus::Paused) || cause == FailingCause::HoldExpired;
            (!is_ending && may, "a run that is not ending, or on hold for too long")
        }
        RunEvent::CancelRequested => (run.cancel.is_none(), "a run that is not cancelling yet"),
        RunEvent::Completed => (
            !is_ending && is_done && run.failed_set == 0 && run.failed_finally == 0,
            "a run of which every step is terminal and none failed",
        ),
        // The last case is that of a `finally` step that failed, or of outputs that could not be evaluated.
        RunEvent::Failed => (
            run.status == Some(RunStatus::Pending)
                || (run.failing.is_some() && run.cancel.is_none() && over)
                || !run.has_done
                || (!is_ending && is_done),
            "a failing run at the end of its way out",
        ),
        RunEvent::Cancelled => {
            let Cancellation { cause, .. } = body(event)?;
            let stops = cause == CancelCause::EmergencyStop;
            (stops || (run.cancel.is_some() && over), "a cancelling run at the end of its way out")
        }
    };
    // A terminal event closes running attempts before itself.
    let idle = !event_is_end(row) || run.running == 0;
    Ok(if !holds {
        Some(expected)
    } else if !idle {
        Some("a run with no attempt running")
    } else {
        None
    })
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
    let selected = |id: &StepId, step: &PlanStep| {
        let asked = body.selection.as_ref().is_none_or(|selection| selection.contains(id));
        asked || step.part == Part::Finally || id.is_gate()
    };
    let steps: Vec<&PlanStep> =
        plan.steps.iter().filter(|(id, step)| selected(id, step)).map(|(_, step)| step).collect();
    for step in &steps {
        let needs =
            step.needs.iter().filter(|need| plan.steps.get(*need).is_some_and(|step| selected(need, step)));
        let kind = lookup::kind(step, &step.id);
        ground
            .add_step(step.id.clone(), lookup::fresh(kind, u32::try_from(needs.count()).unwrap_or(u32::MAX)));
        let run = ground.run_mut();
        match kind {
            Kind::Ordinary | Kind::Compensation => run.open += 1,
            Kind::Failure => (run.open, run.open_failure) = (run.open + 1, run.open_failure + 1),
            Kind::Always => (run.open, run.open_always) = (run.open + 1, run.open_always + 1),
            Kind::Finally => run.open_finally += 1,
        }
    }
    // A compensation may be asked until the run ends, so what it reads is kept until then.
    let compensations = steps.iter().filter_map(|step| step.compensate.as_deref());
    let readers = steps.iter().copied().chain(compensations);
    let named = readers.flat_map(|step| step.reads.iter().cloned()).chain(render::names_of_outputs(plan));
    for name in named {
        if let Some(facts) = ground.step_mut(&name) {
            facts.readers += 1;
        }
    }
    ground.meet(body.about.as_ref());
    ground.meet(Some(&About::Several(body.known.into_iter().collect())));
    ground.set_queued(Queued {
        run_id: body.run_id,
        tenant_id: body.tenant_id,
        plan: body.plan_ref,
        inputs: body.inputs,
        power: body.power,
        start_at: body.start_at,
        original_run_id: body.original_run_id,
        reuse: body.reuse,
        parent_run_id: body.parent_run_id,
        depth: body.depth,
        initiators: body.initiators,
        about: body.about.map(About::told),
    });
    let run = ground.run_mut();
    run.queued_at = Some(event.at);
    run.max_parallel = plan.max_parallel;
    run.max_duration_ms = plan.max_duration_ms;
}

fn failing<G: Ground>(ground: &mut G, body: RunFailing, event: &Event, next: RunStatus) {
    enter(ground, next);
    let run = ground.run_mut();
    run.failings += 1;
    match body.cause {
        FailingCause::StepFailed | FailingCause::HoldExpired => {}
        FailingCause::RunTimeout => run.stopping_since = run.stopping_since.or(Some(event.at)),
    }
    run.failing = Some(Failing { cause: body.cause, failed_step_id: body.failed_step_id });
    ending(ground);
}
