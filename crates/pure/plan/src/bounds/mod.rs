//! The worst case of a plan, computed before anything runs. Every figure is an upper bound, never an estimate.
//!
//! Duration: a run that goes on is always doing something: an attempt, a pause before one, a wait. So its ordinary part
//! ends within the sum of all of these; and past `maxDuration` (whose clock stands during waits, and once the run is
//! ending) within one longest attempt, the conditional steps and the grace. Compensations and `finally` have
//! `maxDuration` once more. What an operator adds by hand (pauses, forced retries) is in no bound.

mod class;
mod step;

pub use class::Class;
pub use step::pause_ms;

use crate::plan::{Bounds, OnStepFailure, Part, Plan};
use step::Load;

/// What the end of a run may take once its `maxDuration` has passed: terminate, grace, kill, report.
const ENDING_MS: u64 = 10_000;
/// How long a failed step holds a run (contract 4.8).
const HOLD_MS: u64 = 72 * 3_600_000;

/// The bounds of a plan.
pub fn of(plan: &Plan) -> Bounds {
    let mut total = Load::default();
    let (mut working, mut waiting, mut conditional, mut longest, mut after) =
        (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    let (mut at_once, mut undone_at_once, mut last_at_once) = (0_u64, 0_u64, 0_u64);
    let mut is_bounded = true;
    for step in plan.steps.values() {
        let load = step::load(step, plan.max_parallel);
        total.add(&load);
        is_bounded &= load.is_bounded;
        if step.part == Part::Finally {
            after = after.saturating_add(load.working_ms).saturating_add(load.waiting_ms);
            last_at_once = last_at_once.saturating_add(load.at_once);
            continue;
        }
        working = working.saturating_add(load.working_ms);
        waiting = waiting.saturating_add(load.waiting_ms);
        longest = longest.max(load.attempt_ms);
        at_once = at_once.saturating_add(load.at_once);
        let functions = step.condition.as_ref().map(|condition| condition.status_functions());
        if functions.is_some_and(|functions| functions.always || functions.failure) {
            conditional = conditional.saturating_add(load.working_ms).saturating_add(load.waiting_ms);
        }
        if let Some(undo) = &step.compensate {
            let undo = step::compensation(step, undo, plan.max_parallel);
            total.add(&undo);
            is_bounded &= undo.is_bounded;
            after = after.saturating_add(undo.working_ms).saturating_add(undo.waiting_ms);
            undone_at_once = undone_at_once.max(undo.at_once);
        }
    }
    let limit = sum(&[plan.max_duration_ms, ENDING_MS, waiting, longest, conditional]);
    let ordinary = working.saturating_add(waiting).min(limit);
    let after = after.min(plan.max_duration_ms.saturating_add(ENDING_MS));
    let hold = match plan.on_step_failure {
        OnStepFailure::Fail => 0,
        OnStepFailure::Hold => HOLD_MS,
    };
    let slots = u64::from(plan.max_parallel);
    // Sub-plans run beside their parent's steps, each with as many as it may have itself.
    let capped = |count: u64| count.min(slots.saturating_add(total.children_at_once));
    Bounds {
        steps: plan.steps.len() as u64,
        attempts: total.attempts,
        parallel: capped(at_once).max(capped(undone_at_once)).max(capped(last_at_once)),
        duration_ms: sum(&[ordinary, after, hold]),
        output_bytes: total.output_bytes,
        is_bounded,
    }
}

fn sum(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
}
