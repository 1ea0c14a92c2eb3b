//! What holds of every finished history, asked of its events alone.
// INVARIANT(INV-29): no key twice, no step completed twice, nothing after the end.

use dvt_core::event::{Event, idempotency_key};
use dvt_core::{State, evolve};
use dvt_model::id::{RunId, StepId};
use dvt_model::run::{EventName, PlanRef, StepStatus};
use dvt_plan::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// Folds events as they come back from the ledger: their payload as text.
pub(super) fn fold(plan: &Plan, events: &[Event]) -> Result<State, String> {
    let mut state = State::default();
    for event in events {
        let text = event.payload.to_string();
        let payload = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let read = Event { payload, ..event.clone() };
        evolve(plan, &mut state, &read).map_err(|error| error.to_string())?;
    }
    Ok(state)
}

/// All of them.
pub(super) fn hold(
    plan: &Plan,
    events: &[Event],
    live: &State,
    run: RunId,
    plan_ref: &PlanRef,
) -> Result<(), String> {
    ends(events, live)?;
    keys(events, run, plan_ref)?;
    order(plan, events)?;
    attempts(plan, events)?;
    let folded = fold(plan, events)?;
    if folded != *live {
        return Err("the fold of all events is not the live state".to_owned());
    }
    if folded.snapshot_digest() != live.snapshot_digest() || live.snapshot_digest().is_none() {
        return Err("the snapshot hash of the fold is another one".to_owned());
    }
    Ok(())
}

fn ends(events: &[Event], live: &State) -> Result<(), String> {
    let ends = events.iter().filter(|event| event.name.is_terminal()).count();
    if ends != 1 || !events.last().is_some_and(|event| event.name.is_terminal()) {
        return Err(format!(
            "{ends} ends, and the last event is {:?}",
            events.last().map(|event| event.name)
        ));
    }
    if live.running() > 0 {
        return Err("an attempt runs after the end".to_owned());
    }
    Ok(())
}

fn keys(events: &[Event], run: RunId, plan_ref: &PlanRef) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for event in events {
        let key = idempotency_key(event, run, plan_ref).map_err(|error| error.to_string())?;
        if !seen.insert(key) {
            return Err(format!("{} of {:?} has the key of an earlier event", event.name, event.step_id));
        }
    }
    Ok(())
}

/// No step starts before its needs are over, or will never begin.
fn order(plan: &Plan, events: &[Event]) -> Result<(), String> {
    let mut status: BTreeMap<&StepId, StepStatus> = BTreeMap::new();
    let (mut is_ending, mut running) = (false, 0u32);
    for event in events {
        is_ending |= matches!(event.name, EventName::RunFailing | EventName::RunCancelRequested);
        let Some(id) = &event.step_id else { continue };
        match event.name {
            EventName::StepStarted => {
                let needs = plan.steps.get(id).into_iter().flat_map(|step| &step.needs);
                for need in needs {
                    match status.get(need) {
                        Some(StepStatus::Success | StepStatus::Failed | StepStatus::Skipped) => {}
                        Some(StepStatus::Pending) | None if is_ending => {}
                        other => return Err(format!("`{id}` starts while its need `{need}` is {other:?}")),
                    }
                }
                status.insert(id, StepStatus::Running);
                running += 1;
                if running > plan.max_parallel {
                    return Err(format!("{running} steps at once, of at most {}", plan.max_parallel));
                }
            }
            EventName::StepCompleted => {
                running -= 1;
                if status.insert(id, StepStatus::Success) != Some(StepStatus::Running) {
                    return Err(format!("`{id}` completes and did not run"));
                }
            }
            EventName::StepFailed => {
                running -= 1;
                let again = event.payload.get("retryAt").is_some();
                status.insert(id, if again { StepStatus::Pending } else { StepStatus::Failed });
            }
            EventName::StepSkipped => {
                status.insert(id, StepStatus::Skipped);
            }
            EventName::StepRedispatched
            | EventName::RunQueued
            | EventName::RunStarted
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::RunCompleted
            | EventName::RunFailed
            | EventName::RunCancelled
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::SignalReceived
            | EventName::StepReused
            | EventName::StepRetryRequested
            | EventName::StepVoted => {}
        }
    }
    Ok(())
}

/// No more attempts than the plan's worst case, no more dispatches than five.
// INVARIANT(INV-21): no history exceeds the bounds that its plan was admitted with.
fn attempts(plan: &Plan, events: &[Event]) -> Result<(), String> {
    for (id, step) in &plan.steps {
        let of_step = |name: EventName| {
            events.iter().filter(move |event| event.name == name && event.step_id.as_ref() == Some(id))
        };
        let started = of_step(EventName::StepStarted).count();
        if started > usize::try_from(step.retry.max).unwrap_or(usize::MAX) + 1 {
            return Err(format!("`{id}` has {started} attempts, more than its bound"));
        }
        if of_step(EventName::StepCompleted).count() > 1 {
            return Err(format!("`{id}` completes twice"));
        }
        if of_step(EventName::StepRedispatched).any(|event| event.engine_attempt_id.0 > 5) {
            return Err(format!("`{id}` is given out more than five times"));
        }
    }
    Ok(())
}
