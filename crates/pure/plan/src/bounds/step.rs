//! What one step can cost at most: all its items, attempts and pauses.

use crate::plan::{Backoff, Form, Retry, Step};

/// Bytes of one output of a program, which its worker counts.
const PROGRAM_OUTPUT: u64 = 1 << 20;
/// Bytes of every other output: of a plugin, of the one that runs in process, and of a sub-plan, whose output is one object.
const VALUE_OUTPUT: u64 = 8 << 20;
/// Bytes of a signal's payload (contract 4.5).
const SIGNAL_OUTPUT: u64 = 64_000;
/// What an approval leaves behind.
const APPROVAL_OUTPUT: u64 = 64_000;
/// Where no moment is known beforehand: the longest duration that the language knows.
const LONGEST_WAIT_MS: u64 = crate::document::duration::LONGEST_MS;

/// The most of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Load {
    /// Attempts of all items, and one of the base step where there are items.
    pub(super) attempts: u64,
    /// Time in which `maxDuration` runs.
    pub(super) working_ms: u64,
    /// Time in which its clock stands.
    pub(super) waiting_ms: u64,
    /// The longest attempt.
    pub(super) attempt_ms: u64,
    /// At once, those of sub-plans included.
    pub(super) at_once: u64,
    /// Of these, the ones of sub-plans.
    pub(super) children_at_once: u64,
    /// Outputs of all items; the list of a `foreach` is made of these.
    pub(super) output_bytes: u64,
    /// Whether the number of items is declared, here and in sub-plans.
    pub(super) is_bounded: bool,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            attempts: 0,
            working_ms: 0,
            waiting_ms: 0,
            attempt_ms: 0,
            at_once: 0,
            children_at_once: 0,
            output_bytes: 0,
            is_bounded: true,
        }
    }
}

impl Load {
    /// One attempt takes that long, and all of them together.
    fn works(&mut self, attempt_ms: u64, all_ms: u64) {
        self.attempt_ms = attempt_ms;
        self.working_ms = self.working_ms.saturating_add(all_ms);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.children_at_once = self.children_at_once.saturating_add(other.children_at_once);
        self.output_bytes = self.output_bytes.saturating_add(other.output_bytes);
    }
}

/// The load of a step of `steps` or `finally`.
pub(super) fn load(step: &Step, max_parallel: u32) -> Load {
    of(step, step, max_parallel)
}

/// The load of what undoes a step, for each of its items.
pub(super) fn compensation(base: &Step, undo: &Step, max_parallel: u32) -> Load {
    of(base, undo, max_parallel)
}

fn of(base: &Step, body: &Step, max_parallel: u32) -> Load {
    let tries = u64::from(body.retry.max) + 1;
    let (items, own) = base.foreach.as_ref().map_or((1, 0), |foreach| (foreach.most, 1));
    let wide = base.foreach.as_ref().and_then(|foreach| foreach.max_parallel).unwrap_or(max_parallel);
    let beside = if base.foreach.is_some() { items.min(u64::from(wide)) } else { 1 };
    let pauses = (1..=body.retry.max).fold(0_u64, |sum, nth| sum.saturating_add(pause_ms(&body.retry, nth)));
    let all = |each: u64| each.saturating_mul(tries).saturating_mul(items);
    let mut load = Load {
        attempts: all(1).saturating_add(own),
        at_once: beside.saturating_add(own),
        working_ms: pauses.saturating_mul(items),
        is_bounded: base.foreach.as_ref().is_none_or(|foreach| foreach.is_bounded),
        ..Load::default()
    };
    let timeout = body.timeout_ms.unwrap_or(0);
    let output = match &body.form {
        Form::Run { .. } | Form::Script { .. } => {
            load.works(timeout, all(timeout));
            body.limits.output_bytes.unwrap_or(PROGRAM_OUTPUT)
        }
        Form::Uses(_) => {
            load.works(timeout, all(timeout));
            body.limits.output_bytes.unwrap_or(VALUE_OUTPUT)
        }
        Form::Noop { .. } => {
            load.works(timeout, all(timeout));
            // No worker counts what it gives.
            VALUE_OUTPUT
        }
        Form::Wait { duration_ms } => {
            load.waiting_ms = all(*duration_ms);
            0
        }
        Form::WaitUntil { .. } => {
            load.waiting_ms = all(LONGEST_WAIT_MS);
            0
        }
        Form::Approval(_) => {
            load.waiting_ms = all(timeout);
            APPROVAL_OUTPUT
        }
        Form::Signal(_) => {
            load.waiting_ms = all(timeout);
            SIGNAL_OUTPUT
        }
        Form::Plan(sub_plan) => {
            let child = match (&sub_plan.bounds, &sub_plan.child) {
                (Some(bounds), _) => bounds.clone(),
                (None, Some(child)) => super::of(child),
                (None, None) => return load,
            };
            load.attempts = load.attempts.saturating_add(all(child.attempts));
            load.works(child.duration_ms, all(child.duration_ms));
            load.children_at_once = beside.saturating_mul(child.parallel);
            load.at_once = load.at_once.saturating_add(load.children_at_once);
            load.is_bounded &= child.is_bounded;
            load.output_bytes = all(child.output_bytes);
            VALUE_OUTPUT
        }
    };
    load.output_bytes = load.output_bytes.saturating_add(output.saturating_mul(items));
    load
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
