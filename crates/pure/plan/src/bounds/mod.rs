//! The worst case of a plan, computed before anything runs. Every figure is an upper bound, never an estimate.
//!
//! Duration: a run that goes on is always doing something: an attempt, a pause before one, a wait. So it ends within
//! the sum of all of these; and past `maxDuration` (whose clock stands during waits) within the grace of its ending.

use crate::plan::{Backoff, Bounds, Form, Plan, Retry, Step};

/// What the end of a run may take once its `maxDuration` has passed: terminate, grace, kill, report.
const ENDING_MS: u64 = 10_000;

/// The bounds of a plan.
pub fn of(plan: &Plan) -> Bounds {
    let steps = plan.steps.len() as u64;
    let mut attempts = 0_u64;
    let mut doing = 0_u64;
    let mut waiting = 0_u64;
    for step in plan.steps.values() {
        attempts = attempts.saturating_add(u64::from(step.retry.max) + 1);
        doing = doing.saturating_add(longest(step));
        if let Form::Wait { duration_ms } = step.form {
            waiting = waiting.saturating_add(duration_ms);
        }
    }
    let limit = plan.max_duration_ms.saturating_add(ENDING_MS).saturating_add(waiting);
    Bounds {
        steps,
        attempts,
        parallel: steps.min(u64::from(plan.max_parallel)),
        duration_ms: doing.min(limit),
    }
}

/// The longest that one step takes with all its attempts and pauses.
fn longest(step: &Step) -> u64 {
    if let Form::Wait { duration_ms } = step.form {
        return duration_ms;
    }
    let attempts = u64::from(step.retry.max) + 1;
    let running = step.timeout_ms.unwrap_or(0).saturating_mul(attempts);
    (1..=step.retry.max).fold(running, |total, retry| total.saturating_add(pause_ms(&step.retry, retry)))
}

/// The longest pause before the n-th retry (from 1), jitter aside.
pub fn pause_ms(retry: &Retry, nth: u32) -> u64 {
    let grown = match retry.backoff {
        Backoff::Constant => retry.initial_ms,
        Backoff::Linear => retry.initial_ms.saturating_mul(u64::from(nth)),
        Backoff::Exponential => {
            let factor = 1_u64.checked_shl(nth.saturating_sub(1)).unwrap_or(u64::MAX);
            retry.initial_ms.saturating_mul(factor)
        }
    };
    grown.min(retry.ceiling_ms)
}
