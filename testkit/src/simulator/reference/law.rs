//! The law: contract 4.4 as tables and sentences. May this event stand after these?
//!
//! It is asked of every event that the core says, and of events that are put before the core on purpose, which it must then
//! refuse. It knows nothing of commands.

use super::course::{self, Phase};
use super::said::Said;
use super::view::{Unit, View, step_of};
use dvt_model::run::{RunStatus, StepStatus};
use dvt_plan::plan::{Form, Part, Plan};

/// Events of the run's table, in its order.
pub const RUN_EVENTS: [&str; 9] = [
    "RunQueued",
    "RunStarted",
    "RunPaused",
    "RunResumed",
    "RunFailing",
    "RunCancelRequested",
    "RunCompleted",
    "RunFailed",
    "RunCancelled",
];
/// States of the run's table; terminal ones apart.
pub const RUN_STATES: [&str; 7] =
    ["(none)", "PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"];
/// `x` is a cell in which the event is possible, in the order of the two lists above.
const RUN_TABLE: [&str; 7] = [
    "x--------", // (none)
    "-x---x-xx", // PENDING
    "--x-xxxxx", // RUNNING
    "---xxx-xx", // PAUSED
    "---------", // COMPLETED
    "---------", // FAILED
    "---------", // CANCELLED
];

/// Events of the step's table.
pub const STEP_EVENTS: [&str; 8] = [
    "StepStarted",
    "StepCompleted",
    "StepFailed",
    "StepSkipped",
    "StepReused",
    "StepRedispatched",
    "StepVoted",
    "StepRetryRequested",
];
/// States of a step.
pub const STEP_STATES: [&str; 5] = ["PENDING", "RUNNING", "SUCCESS", "FAILED", "SKIPPED"];
/// The same for steps; the last three columns are the sentences below the table. The skip of a FAILED step is its next
/// attempt's, by an operator.
const STEP_TABLE: [&str; 5] = [
    "x--xx---", // PENDING
    "-xx--xx-", // RUNNING
    "-------x", // SUCCESS: only with force
    "---x---x", // FAILED
    "-------x", // SKIPPED: only with force
];

fn cell(table: &[&str], states: &[&str], events: &[&str], state: &str, event: &str) -> bool {
    let row = states.iter().position(|known| *known == state).and_then(|row| table.get(row));
    let column = events.iter().position(|known| *known == event);
    row.zip(column).and_then(|(row, column)| row.as_bytes().get(column)).is_some_and(|mark| *mark == b'x')
}

/// Whether the run's table allows it.
pub fn run_cell(state: &str, event: &str) -> bool {
    cell(&RUN_TABLE, &RUN_STATES, &RUN_EVENTS, state, event)
}

/// Whether the step's table allows it.
pub fn step_cell(state: &str, event: &str) -> bool {
    cell(&STEP_TABLE, &STEP_STATES, &STEP_EVENTS, state, event)
}

/// Whether a step event is legal in such a run at all, ending or not.
pub fn step_event_in(run: &str, event: &str) -> bool {
    match event {
        "StepReused" => run == "RUNNING",
        _ => run == "RUNNING" || run == "PAUSED",
    }
}

pub(super) fn run_state(view: &View) -> &'static str {
    view.status.map_or("(none)", RunStatus::as_str)
}

pub(super) fn step_state(view: &View, name: &str) -> &'static str {
    view.fact(name).map_or("PENDING", |fact| fact.status.as_str())
}

/// Why the event may not stand here; `Ok` where it may.
pub(super) fn allows(plan: &Plan, view: &View, said: &Said) -> Result<(), String> {
    match &said.step {
        None if said.name == "SignalReceived" => match view.status {
            Some(status) if !status.is_terminal() => Ok(()),
            _ => Err("a signal comes to a run that is queued and not over".to_owned()),
        },
        None => run_event(plan, view, said),
        Some(name) => step_event(plan, view, name, said),
    }
}

fn run_event(plan: &Plan, view: &View, said: &Said) -> Result<(), String> {
    let state = run_state(view);
    if !run_cell(state, said.name) {
        return Err(format!("{} is not possible in {state}", said.name));
    }
    let needs = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{}: {what}", said.name)) };
    let paused = view.status == Some(RunStatus::Paused);
    let at_the_end = view.is_ending() && course::phase(plan, view) == Phase::Over;
    match said.name {
        "RunStarted" => needs(!view.is_cancelling(), "the run is cancelling"),
        "RunPaused" | "RunResumed" => needs(!view.is_ending(), "the run is ending"),
        "RunFailing" => {
            needs(!view.is_ending(), "the run is ending")?;
            needs(!paused || said.text("/cause") == "HOLD_EXPIRED", "a paused run fails only by its hold")
        }
        "RunCancelRequested" => needs(!view.is_cancelling(), "it was requested before"),
        "RunCompleted" => {
            needs(!view.is_ending(), "the run is ending")?;
            needs(view.failed_set(plan).is_empty(), "the failed set is not empty")?;
            needs(course::ordinary_is_over(plan, view), "a step is not over")?;
            needs(!course::has_finally(plan, view), "a `finally` step is not over")?;
            needs(course::failed_finally(plan, view).is_empty(), "a `finally` step failed")
        }
        "RunFailed" => {
            let by_finally =
                course::ordinary_is_over(plan, view) && !course::has_finally(plan, view) && !view.is_ending();
            let incomplete = view.is_ending() && !view.is_cancelling() && took_too_long(plan, view, said);
            let allowed = view.status == Some(RunStatus::Pending)
                || (view.is_failing() && !view.is_cancelling() && at_the_end)
                || by_finally
                || !view.has_done
                || incomplete;
            needs(
                allowed,
                "neither at the end of the way out, nor by `finally`, nor before anything was done",
            )
        }
        "RunCancelled" => {
            let stop = said.text("/cause") == "EMERGENCY_STOP";
            let pending = view.status == Some(RunStatus::Pending);
            let ends = at_the_end || pending || took_too_long(plan, view, said);
            needs(stop || (view.is_cancelling() && ends), "not at the end of the way out")
        }
        _ => Ok(()),
    }
}

/// Phases 3 and 4 have taken `maxDuration` again.
fn took_too_long(plan: &Plan, view: &View, said: &Said) -> bool {
    let undoes = matches!(course::phase(plan, view), Phase::Compensation | Phase::Finally);
    undoes && view.undoing_since.is_some_and(|since| since.plus_ms(plan.max_duration_ms) <= said.at)
}

fn step_event(plan: &Plan, view: &View, name: &str, said: &Said) -> Result<(), String> {
    let (run, state) = (run_state(view), step_state(view, name));
    let Some(step) = step_of(plan, name) else { return Err(format!("there is no step `{name}`")) };
    if !step_event_in(run, said.name) {
        return Err(format!("{} is not possible while the run is {run}", said.name));
    }
    if !step_cell(state, said.name) {
        return Err(format!("{} of `{name}` is not possible in {state}", said.name));
    }
    let needs = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{}: {what}", said.name)) };
    let unit = Unit::of(name);
    let phase = course::phase(plan, view);
    if let (Some(_), false, "StepStarted" | "StepSkipped") = (unit.item, unit.undoes, said.name) {
        needs(view.is(unit.base, StepStatus::Running), "an item begins while its step runs")?;
    }
    match said.name {
        "StepStarted" => {
            let running = view.status == Some(RunStatus::Running);
            if unit.undoes {
                return needs(phase == Phase::Compensation, "compensations begin in phase 3");
            }
            if step.part == Part::Finally {
                let at_the_end = running && !view.is_ending() && course::ordinary_is_over(plan, view);
                return needs(
                    phase == Phase::Finally || at_the_end,
                    "`finally` begins in phase 4, or when everything else is over",
                );
            }
            if !view.is_ending() {
                return needs(running, "nothing begins in a paused run");
            }
            needs(course::may_begin(view, step), "an ordinary step does not begin in a run that is ending")?;
            needs(phase == Phase::Conditional, "conditional steps begin in phase 2")
        }
        "StepSkipped" => {
            let by_operator = said.text("/reasonCode") == "OPERATOR_SKIP";
            needs(state != "FAILED" || by_operator, "a failed step is skipped by an operator alone")?;
            needs(!by_operator || !view.is_ending(), "no operator skips while the run is ending")?;
            needs(
                !by_operator || !matches!(step.form, Form::Approval(_)),
                "an approval step is never skipped by an operator",
            )
        }
        "StepReused" => {
            let begun = view.units.values().any(|fact| fact.started.is_some());
            let original = view.queued.as_ref().is_some_and(|said| !said.text("/originalRunId").is_empty());
            needs(!begun, "a step has begun")?;
            needs(original, "the run repeats no other")
        }
        "StepRetryRequested" => {
            let force = said.payload.get("force").and_then(serde_json::Value::as_bool) == Some(true);
            needs(state == "FAILED" || force, "only a failed step is retried without force")?;
            needs(unit.item.is_none() && !unit.undoes, "an item is not retried by itself")?;
            needs(!view.is_cancelling(), "the run is cancelling")?;
            let cause = view.failing.as_ref().map(|said| said.text("/cause"));
            needs(
                cause.is_none() || (cause == Some("STEP_FAILED") && phase == Phase::Drain),
                "a failing run takes it in phase 1 of STEP_FAILED alone",
            )
        }
        "StepVoted" => needs(matches!(step.form, Form::Approval(_)), "only approvals are voted on"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables are those of the contract: as many possible cells, and nothing after an end.
    #[test]
    fn the_tables_have_the_cells_of_the_contract() {
        let count = |rows: &[&str]| rows.iter().map(|row| row.matches('x').count()).sum::<usize>();
        assert_eq!((count(&RUN_TABLE), count(&STEP_TABLE)), (1 + 4 + 6 + 5, 3 + 4 + 1 + 2 + 1));
        for state in ["COMPLETED", "FAILED", "CANCELLED"] {
            assert!(RUN_EVENTS.iter().all(|event| !run_cell(state, event)));
        }
        assert!(run_cell("(none)", "RunQueued") && !run_cell("RUNNING", "RunQueued"));
        assert!(!step_cell("SUCCESS", "StepCompleted") && step_cell("RUNNING", "StepCompleted"));
    }
}
