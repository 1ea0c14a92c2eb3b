//! The cells that a thousand histories must meet. A change that makes one of them rare is a weaker simulator.

use super::Table;
use crate::simulator::reference::law;
use std::collections::BTreeSet;

/// States of a run as 4.5 sees them.
pub(crate) const SIGNAL_STATES: [&str; 8] =
    ["PENDING", "RUNNING", "RUNNING, ending", "PAUSED", "PAUSED, ending", "COMPLETED", "FAILED", "CANCELLED"];

/// Signals that a run itself takes; RETRY_RUN makes another one.
pub(crate) const SIGNALS: [&str; 7] =
    ["PAUSE", "RESUME", "CANCEL", "RETRY_STEP", "SEND", "SKIP_STEP", "EMERGENCY_STOP"];

const FAULTS: &[&str] = &[
    "cancelled parent",
    "clock step",
    "commit lost",
    "crash",
    "crash in phase 1",
    "crash in phase 2",
    "crash in phase 3",
    "crash in phase 4",
    "double delivery",
    "duplicate report",
    "effects lost",
    "full queue",
    "late report",
    "left alone",
    "lost report",
    "poisoned step",
    "reorder",
    "signal storm",
    "slow worker",
    "snapshot",
    "stale dispatch",
    "stop ignored",
    "stray report",
    "worker lost",
];

/// In the law's own words; what names a step is counted without its name.
const CONDITIONS: &[&str] = &[
    "RunStarted: the run is cancelling",
    "RunPaused: the run is ending",
    "RunResumed: the run is ending",
    "RunFailing: the run is ending",
    "RunFailing: a paused run fails only by its hold",
    "RunCancelRequested: it was requested before",
    "RunCompleted: the run is ending",
    "RunCompleted: a step is not over",
    "RunFailed: neither at the end of the way out, nor by `finally`, nor before anything was done",
    "RunCancelled: not at the end of the way out",
    "StepStarted: compensations begin in phase 3",
    "StepStarted: `finally` begins in phase 4, or when everything else is over",
    "StepStarted: nothing begins in a paused run",
    "StepStarted: an ordinary step does not begin in a run that is ending",
    "StepStarted: conditional steps begin in phase 2",
    "StepSkipped: a failed step is skipped by an operator alone",
    "StepSkipped: no operator skips while the run is ending",
    "StepSkipped: an approval step is never skipped by an operator",
    "StepReused: a step has begun",
    "StepReused: the run repeats no other",
    "StepRetryRequested: only a failed step is retried without force",
    "StepRetryRequested: an item is not retried by itself",
    "StepRetryRequested: the run is cancelling",
    "StepRetryRequested: a failing run takes it in phase 1 of STEP_FAILED alone",
    "StepVoted: only approvals are voted on",
];

const REASONS: &[&str] = &[
    "RunPaused OPERATOR",
    "RunPaused STEP_FAILED",
    "RunResumed OPERATOR",
    "RunResumed STEP_FAILED",
    "RunFailing STEP_FAILED",
    "RunFailing HOLD_EXPIRED",
    "RunFailing RUN_TIMEOUT",
    "RunCancelRequested CANCEL",
    "RunCancelRequested PARENT",
    "RunCancelRequested CONCURRENCY",
    "RunCancelled CANCEL",
    "RunCancelled PARENT",
    "RunCancelled CONCURRENCY",
    "RunCancelled EMERGENCY_STOP",
    "RunFailed STEP_ERROR",
    "RunFailed TIMEOUT",
    "RunFailed RUN_TIMEOUT",
    "RunFailed HOLD_EXPIRED",
    "RunFailed EXPRESSION_FAILED",
    "RunFailed APPROVAL_EXPIRED",
    "RunFailed APPROVAL_REJECTED",
    "RunFailed COMPENSATION_INCOMPLETE",
    "RunFailed PLAN_INTEGRITY_VALIDATION_FAILED",
    "RunFailed QUEUE_TTL_EXPIRED",
    "RunFailed WORKER_LOST",
    "RunCancelled COMPENSATION_INCOMPLETE",
    "PLAN_UNBOUNDED at admission",
    "admitted",
    "StepFailed STEP_ERROR",
    "StepFailed TIMEOUT",
    "StepFailed OOM",
    "StepFailed CANCELLED",
    "StepFailed EXPRESSION_FAILED",
    "StepFailed EXPRESSION_OVER_BUDGET",
    "StepFailed PLAN_INTEGRITY_VALIDATION_FAILED",
    "StepFailed PLAN_UNBOUNDED",
    "StepFailed SANDBOX_UNAVAILABLE",
    "StepFailed WORKER_LOST",
    "StepFailed APPROVAL_REJECTED",
    "StepFailed APPROVAL_EXPIRED",
    "StepFailed and retried",
    "StepRedispatched ENGINE_RESTART",
    "StepRedispatched WORKER_LOST",
    "StepSkipped CONDITION_FALSE",
    "StepSkipped DEPENDENCY_FAILED",
    "StepSkipped DEPENDENCY_SKIPPED",
    "StepSkipped OPERATOR_SKIP",
    "StepVoted APPROVED",
    "StepVoted REJECTED",
];

const REFUSALS: &[&str] = &[
    "AUTHZ_DENIED",
    "INVALID_REQUEST",
    "INVALID_STATE_TRANSITION",
    "PLAN_INTEGRITY_VALIDATION_FAILED",
    "QUOTA_EXCEEDED",
    "RUN_ALREADY_EXISTS",
    "RUN_NOT_FOUND",
    "RUN_TERMINAL",
    "SIGNAL_INVALID_PAYLOAD",
    "STEP_NOT_TERMINAL",
    "STEP_TERMINAL",
];

/// "Accepted when" of contract 4.5, as far as the run's state decides it.
fn takes(signal: &str, state: &str) -> bool {
    match signal {
        "PAUSE" => state == "RUNNING",
        "RESUME" => state == "PAUSED",
        "SKIP_STEP" => state == "RUNNING" || state == "PAUSED",
        // In phase 1 of a failure; what is paused and ending is cancelling, or was on hold for too long.
        "RETRY_STEP" => state.starts_with("RUNNING") || state == "PAUSED",
        _ => !["COMPLETED", "FAILED", "CANCELLED"].contains(&state),
    }
}

/// All of them.
pub(super) fn cells() -> BTreeSet<(Table, String)> {
    let mark = |allowed: bool| if allowed { "+" } else { "-" };
    let mut cells = BTreeSet::new();
    for state in law::RUN_STATES {
        for event in law::RUN_EVENTS {
            cells.insert((Table::Run, format!("{state} {event} {}", mark(law::run_cell(state, event)))));
        }
    }
    for state in law::STEP_STATES {
        for event in law::STEP_EVENTS {
            cells.insert((Table::Step, format!("{state} {event} {}", mark(law::step_cell(state, event)))));
        }
    }
    for state in law::RUN_STATES.iter().filter(|state| **state != "(none)") {
        for event in law::STEP_EVENTS {
            let allowed = law::step_event_in(state, event);
            cells.insert((Table::While, format!("{state} {event} {}", mark(allowed))));
        }
    }
    for state in SIGNAL_STATES {
        for signal in SIGNALS {
            let mark = mark(takes(signal, state));
            cells.insert((Table::Signal, format!("{signal} at {state} {mark}")));
        }
    }
    let lists = [
        (Table::Fault, FAULTS),
        (Table::Condition, CONDITIONS),
        (Table::Reason, REASONS),
        (Table::Refusal, REFUSALS),
    ];
    for (table, list) in lists {
        cells.extend(list.iter().map(|cell| (table, (*cell).to_owned())));
    }
    cells
}
