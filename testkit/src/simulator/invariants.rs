//! What holds of every finished history, asked of its events alone.
// INVARIANT(INV-29): no key twice, no step completed twice, nothing after the end.

use dvt_core::event::{Event, idempotency_key};
use dvt_core::{State, evolve};
use dvt_model::id::{RunId, StepId};
use dvt_model::run::{EventName, PlanRef, StepStatus};
use dvt_plan::plan::{Part, Plan};
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

/// No step of the plan starts before its needs are over, will never begin, or stand outside a partial run; and no attempt
/// ends that did not run.
fn order(plan: &Plan, events: &[Event]) -> Result<(), String> {
    let mut status: BTreeMap<&StepId, StepStatus> = BTreeMap::new();
    let mut is_ending = false;
    let selection = events.first().and_then(|event| event.payload.get("selection")?.as_array());
    let is_outside = |id: &StepId| {
        selection.is_some_and(|list| !list.iter().any(|known| known.as_str() == Some(id.as_str())))
    };
    for event in events {
        match event.name {
            EventName::RunFailing | EventName::RunCancelRequested => is_ending = true,
            EventName::StepRetryRequested
            | EventName::StepStarted
            | EventName::StepCompleted
            | EventName::StepFailed
            | EventName::StepSkipped
            | EventName::StepReused
            | EventName::StepRedispatched
            | EventName::RunQueued
            | EventName::RunStarted
            | EventName::RunCompleted
            | EventName::RunFailed
            | EventName::RunCancelled
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::SignalReceived
            | EventName::StepVoted => {}
        }
        let Some(id) = &event.step_id else { continue };
        match event.name {
            EventName::StepStarted => {
                let step = plan.steps.get(id);
                let is_ordinary = step.is_some_and(|step| step.part == Part::Ordinary);
                for need in step.into_iter().flat_map(|step| &step.needs) {
                    match status.get(need) {
                        Some(StepStatus::Success | StepStatus::Failed | StepStatus::Skipped) => {}
                        Some(StepStatus::Pending) | None if is_ending => {}
                        None if is_ordinary && is_outside(need) => {}
                        other => return Err(format!("`{id}` starts while its need `{need}` is {other:?}")),
                    }
                }
                status.insert(id, StepStatus::Running);
            }
            EventName::StepCompleted => {
                if status.insert(id, StepStatus::Success) != Some(StepStatus::Running) {
                    return Err(format!("`{id}` completes and did not run"));
                }
            }
            EventName::StepFailed => {
                let again = event.payload.get("retryAt").is_some();
                let after = if again { StepStatus::Pending } else { StepStatus::Failed };
                if status.insert(id, after) != Some(StepStatus::Running) {
                    return Err(format!("`{id}` fails and did not run"));
                }
            }
            EventName::StepSkipped => {
                status.insert(id, StepStatus::Skipped);
            }
            EventName::StepReused => {
                status.insert(id, StepStatus::Success);
            }
            EventName::StepRetryRequested => {
                status.insert(id, StepStatus::Pending);
            }
            EventName::StepRedispatched
            | EventName::StepVoted
            | EventName::RunQueued
            | EventName::RunStarted
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::RunCompleted
            | EventName::RunFailed
            | EventName::RunCancelled
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::SignalReceived => {}
        }
    }
    Ok(())
}

/// No more attempts than the plan's worst case and what people added by hand, no more dispatches than five.
// INVARIANT(INV-21): no history exceeds the bounds that its plan was admitted with.
pub(super) fn attempts(plan: &Plan, events: &[Event], most: u64) -> Result<(), String> {
    let mut started: BTreeMap<&StepId, u64> = BTreeMap::new();
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events {
        let Some(id) = &event.step_id else { continue };
        match event.name {
            EventName::StepStarted => *started.entry(id).or_default() += 1,
            EventName::StepRetryRequested => *asked.entry(id.step()).or_default() += 1,
            EventName::StepRedispatched if event.engine_attempt_id.0 > 5 => {
                return Err(format!("`{id}` is given out more than five times"));
            }
            EventName::StepRedispatched
            | EventName::StepCompleted
            | EventName::StepFailed
            | EventName::StepSkipped
            | EventName::StepReused
            | EventName::StepVoted
            | EventName::RunQueued
            | EventName::RunStarted
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::RunCompleted
            | EventName::RunFailed
            | EventName::RunCancelled
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::SignalReceived => {}
        }
    }
    for (id, attempts) in &started {
        let step = plan.steps.get(id.step());
        let step = if id.is_compensation() { step.and_then(|step| step.compensate.as_deref()) } else { step };
        let Some(step) = step else { return Err(format!("`{id}` starts and stands in no plan")) };
        let by_hand = asked.get(id.step()).copied().unwrap_or(0);
        if *attempts > u64::from(step.retry.max) + 1 + by_hand {
            return Err(format!("`{id}` has {attempts} attempts, more than its bound"));
        }
    }
    let all = started.values().sum::<u64>();
    if asked.is_empty() && all > most {
        return Err(format!("{all} attempts, and the bound of the plan is {most}"));
    }
    Ok(())
}

/// A run that nobody touches ends within the bound of its plan.
// INVARIANT(INV-21): no history exceeds the bounds that its plan was admitted with.
pub(super) fn duration(events: &[Event], most_ms: u64) -> Result<(), String> {
    let started = events.iter().find(|event| event.name == EventName::RunStarted);
    let (Some(started), Some(last)) = (started, events.last()) else { return Ok(()) };
    let lasted = last.at.ms_since(started.at);
    if lasted > most_ms {
        return Err(format!("the run lasted {lasted} ms, and the bound of its plan is {most_ms}"));
    }
    Ok(())
}
