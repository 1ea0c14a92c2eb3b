//! The way out (contract 4.6): one path for all ends but completion. Phases are asked of the state, never stored.
//!
//! 1 *drain*: attempts that began before the run was ending. 2 *conditional steps*. Compensations and `finally` are not in
//! the language yet; without them phases 3 and 4 are over as soon as they begin.

use crate::condition::Kind;
use crate::event::body::FailingCause;
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::state::{Run, Step};
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::{Form, Plan};

/// Between the terminate signal and the kill.
pub(crate) const GRACE_MS: u64 = 5_000;
/// After this an attempt that was told to end is closed whatever its worker says.
pub(crate) const CLOSE_AFTER_MS: u64 = 10_000;

/// Where the run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not on the way out.
    None,
    /// 1
    Drain,
    /// 2
    Conditional,
    /// Nothing is left to do.
    Over,
}

/// The phase.
pub(crate) fn phase(run: &Run) -> Phase {
    if run.ending_seq.is_none() {
        return Phase::None;
    }
    if run.draining > 0 {
        return Phase::Drain;
    }
    let conditional = run.open_always + if run.failing.is_some() { run.open_failure } else { 0 };
    if conditional > 0 { Phase::Conditional } else { Phase::Over }
}

/// Whether a step of this kind may begin, now or later.
pub(crate) fn may_begin(run: &Run, kind: Kind) -> bool {
    match kind {
        Kind::Ordinary => run.ending_seq.is_none(),
        Kind::Failure => run.ending_seq.is_none() || run.failing.is_some(),
        Kind::Always => true,
    }
}

/// Whether a step of this kind may begin at this moment.
pub(crate) fn may_begin_now(run: &Run, kind: Kind) -> bool {
    let drains = phase(run) == Phase::Drain && !mutant::active(Mutant::ConditionalInDrain);
    run.status == Some(RunStatus::Running) && may_begin(run, kind) && !drains
}

/// Whether the newest attempt runs and began before the run was ending.
pub(crate) fn is_of_the_drain(run: &Run, step: &Step) -> bool {
    step.status == StepStatus::Running && run.ending_seq.is_some_and(|ending| step.started_seq < ending)
}

/// Whether what drains is being ended, not waited for.
pub(crate) fn is_stopping(run: &Run) -> bool {
    let timeout = run.failing.as_ref().is_some_and(|failing| match failing.cause {
        FailingCause::RunTimeout => true,
        FailingCause::StepFailed | FailingCause::HoldExpired => false,
    });
    timeout || run.cancel.is_some()
}

/// Whether an attempt that is to be ended would be retried: what is stopped is not, and an ordinary step never begins again.
pub(crate) fn may_retry(run: &Run, step: &Step) -> bool {
    may_begin(run, step.kind) && !(is_of_the_drain(run, step) && is_stopping(run))
}

/// When the attempts of the drain are closed.
pub(crate) fn closes_at(run: &Run) -> Option<Timestamp> {
    match phase(run) {
        Phase::Drain => run.stopping_since.map(|since| since.plus_ms(CLOSE_AFTER_MS)),
        Phase::None | Phase::Conditional | Phase::Over => None,
    }
}

/// When `maxDuration` is over. Its clock stands while the run is ending, or while all that runs are timers.
pub(crate) fn times_out_at(run: &Run) -> Option<Timestamp> {
    let since = run.clock_since?;
    Some(since.plus_ms(run.max_duration_ms.saturating_sub(run.clock_ms)))
}

/// Whether a step is a timer: it does not hold up a drain, and the clock of `maxDuration` stands beside it.
pub(crate) fn is_timer(form: &Form) -> bool {
    match form {
        Form::Wait { .. } | Form::WaitUntil { .. } | Form::Approval(_) | Form::Signal(_) => true,
        Form::Run { .. } | Form::Script { .. } | Form::Noop { .. } | Form::Uses(_) | Form::Plan(_) => false,
    }
}

/// Whether the engine itself does the step.
pub(crate) fn is_inside(form: &Form) -> bool {
    match form {
        Form::Wait { .. }
        | Form::WaitUntil { .. }
        | Form::Approval(_)
        | Form::Signal(_)
        | Form::Plan(_)
        | Form::Noop { .. } => true,
        Form::Run { .. } | Form::Script { .. } | Form::Uses(_) => false,
    }
}

/// Takes from the ready set what will never begin, now that the run is ending, and lets those go on that waited for it.
pub(crate) fn sweep<G: Ground>(plan: &Plan, ground: &mut G) {
    for (id, step) in &plan.steps {
        let Some(facts) = ground.step(id) else { continue };
        if facts.status != StepStatus::Pending || may_begin(ground.run(), facts.kind) {
            continue;
        }
        crate::ready::remove(plan, ground, id, step);
        crate::ready::release(ground, step);
        crate::ready::settle(plan, ground, id);
    }
}
