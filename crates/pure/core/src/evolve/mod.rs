//! `evolve(state, event)`: the fold. It takes events as they stand in the ledger, live or years later, and refuses those
//! that the table refuses, leaving the state untouched.

mod retry_requested;
mod run;
mod step;
mod step_end;

pub(crate) use run::MAX_KEPT_SIGNALS;
pub(crate) use step_end::size;

use crate::event::{Event, InvalidTransition};
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::table::{self, Row};
use crate::way_out::{self, Phase};
use dvt_model::run::RunStatus;
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use serde::de::DeserializeOwned;

/// Folds one event.
pub(crate) fn apply<G: Ground>(plan: &Plan, ground: &mut G, event: &Event) -> Result<(), InvalidTransition> {
    match table::row(event.name) {
        Row::Run(row) => run::apply(plan, ground, event, row)?,
        Row::Step(row) => step::apply(plan, ground, event, row)?,
    }
    after(plan, ground, event.at);
    Ok(())
}

/// What follows from the state alone, whichever event led to it.
fn after<G: Ground>(plan: &Plan, ground: &mut G, at: Timestamp) {
    let run = ground.run();
    if run.ending_seq.is_some() && run.draining == 0 && !run.is_swept {
        ground.run_mut().is_swept = true;
        way_out::sweep(plan, ground);
    }
    let run = ground.run_mut();
    if run.undo_since.is_none() && way_out::phase(run) >= Phase::Undo {
        run.undo_since = Some(at);
    }
    clock(ground, at);
}

/// A refusal.
fn invalid(event: &Event, expected: impl Into<String>, actual: impl Into<String>) -> InvalidTransition {
    InvalidTransition { attempted: event.name.to_string(), expected: expected.into(), actual: actual.into() }
}

/// The payload, typed.
fn body<B: DeserializeOwned>(event: &Event) -> Result<B, InvalidTransition> {
    B::deserialize(&event.payload)
        .map_err(|error| invalid(event, "a payload of the event catalogue", error.to_string()))
}

/// A status as it stands in a sentence.
fn shown(status: Option<RunStatus>) -> &'static str {
    status.map_or("(none)", RunStatus::as_str)
}

/// Keeps the clock of `maxDuration`: it runs while the run does, and stands while it is ending, or while all that runs waits
/// for an approval, a signal or a time.
fn clock<G: Ground>(ground: &mut G, at: Timestamp) {
    let run = ground.run_mut();
    let only_timers =
        run.timers > 0 && run.running - run.bases == run.timers && !mutant::active(Mutant::ClockCountsWaits);
    let runs = run.status == Some(RunStatus::Running) && run.ending_seq.is_none() && !only_timers;
    match (run.clock_since, runs) {
        (None, true) => run.clock_since = Some(at),
        (Some(since), false) => {
            run.clock_ms = run.clock_ms.saturating_add(at.ms_since(since));
            run.clock_since = None;
        }
        (None, false) | (Some(_), true) => {}
    }
}

/// The run became ending by this event, if it was not before.
fn ending<G: Ground>(ground: &mut G) {
    let run = ground.run_mut();
    if run.ending_seq.is_none() {
        run.ending_seq = Some(run.seq);
        run.draining = run.running - run.timers - run.children - run.bases;
    }
}
