//! The way out (contract 4.6): one path for all ends but completion. Phases are asked of the state, never stored.
//!
//! 1 *drain*: attempts that began before the run was ending. 2 *conditional steps*. 3 *compensations*, the newest success
//! first. 4 *`finally`*. Waiting steps (contract 4.4: approval, timer, signal, sub-plan) do not hold up the drain; they are
//! closed at its end.

use crate::condition::Kind;
use crate::event::body::{FailingCause, PauseCause};
use crate::ground::Ground;
use crate::mutant::{self, Mutant};
use crate::state::{Run, Step};
use dvt_model::run::{RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;

/// Between the terminate signal and the kill.
pub(crate) const GRACE_MS: u64 = 5_000;
/// After this an attempt that was told to end is closed whatever its worker says.
pub(crate) const CLOSE_AFTER_MS: u64 = 10_000;
/// A run on hold that nobody looked after for so long goes its way out.
pub(crate) const HOLD_MS: u64 = 72 * 3_600_000;

/// Where the run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Not on the way out.
    None,
    /// 1
    Drain,
    /// 2
    Conditional,
    /// 3
    Undo,
    /// 4
    Finally,
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
    if conditional > 0 {
        Phase::Conditional
    } else if run.undo_left > 0 {
        Phase::Undo
    } else if run.open_finally > 0 && !mutant::active(Mutant::FinallySkipped) {
        Phase::Finally
    } else {
        Phase::Over
    }
}

/// Whether a step of this kind may begin, now or later.
pub(crate) fn may_begin(run: &Run, kind: Kind) -> bool {
    match kind {
        Kind::Ordinary => run.ending_seq.is_none(),
        Kind::Failure => run.ending_seq.is_none() || run.failing.is_some(),
        Kind::Always | Kind::Finally => true,
        Kind::Compensation => run.ending_seq.is_some(),
    }
}

/// Whether an attempt of this kind may begin at this moment.
pub(crate) fn may_begin_now(run: &Run, kind: Kind) -> bool {
    if !goes_on(run) {
        return false;
    }
    let phase = phase(run);
    match kind {
        Kind::Ordinary => phase == Phase::None,
        Kind::Failure | Kind::Always => {
            let drains = phase == Phase::Drain && mutant::active(Mutant::ConditionalInDrain);
            matches!(phase, Phase::None | Phase::Conditional) && may_begin(run, kind) || drains
        }
        Kind::Compensation => phase == Phase::Undo,
        Kind::Finally => phase == Phase::Finally || (phase == Phase::None && run.open == 0),
    }
}

/// Whether steps may start at all: the run runs, or is paused and on its way out.
pub(crate) fn goes_on(run: &Run) -> bool {
    match run.status {
        Some(RunStatus::Running) => true,
        Some(RunStatus::Paused) => run.ending_seq.is_some(),
        Some(RunStatus::Pending | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled) | None => {
            false
        }
    }
}

/// Whether attempts may end: the run runs or is paused.
pub(crate) fn is_open(run: &Run) -> bool {
    matches!(run.status, Some(RunStatus::Running | RunStatus::Paused))
}

/// Whether all the places among `maxParallel` are taken. A step of items takes none; they do.
pub(crate) fn is_full(run: &Run) -> bool {
    run.running.saturating_sub(run.bases) >= run.max_parallel
}

/// Whether the newest attempt began before the run was ending.
pub(crate) fn is_before_ending(run: &Run, step: &Step) -> bool {
    run.ending_seq.is_some_and(|ending| step.started_seq < ending)
}

/// Whether the newest attempt runs and began before the run was ending.
pub(crate) fn is_of_the_drain(run: &Run, step: &Step) -> bool {
    step.status == StepStatus::Running && is_before_ending(run, step)
}

/// Whether what drains is being ended, not waited for.
pub(crate) fn is_stopping(run: &Run) -> bool {
    let timeout = run.failing.as_ref().is_some_and(|failing| match failing.cause {
        FailingCause::RunTimeout => true,
        FailingCause::StepFailed | FailingCause::HoldExpired => false,
    });
    timeout || run.cancel.is_some()
}

/// Whether an attempt that fails would be retried: what is stopped is not, and an ordinary step never begins again.
pub(crate) fn may_retry(run: &Run, step: &Step) -> bool {
    may_begin(run, step.kind) && !(is_of_the_drain(run, step) && is_stopping(run))
}

/// Whether another attempt of a step may be asked for: never while cancelling; of a failing run while it drains after the
/// failure of a step (contract 4.4).
pub(crate) fn takes_retries(run: &Run) -> bool {
    let of_a_step = run.failing.as_ref().is_none_or(|failing| match failing.cause {
        FailingCause::StepFailed => true,
        FailingCause::HoldExpired | FailingCause::RunTimeout => false,
    });
    match phase(run) {
        Phase::None => true,
        Phase::Drain => run.cancel.is_none() && of_a_step,
        Phase::Conditional | Phase::Undo | Phase::Finally | Phase::Over => false,
    }
}

/// When the attempts of the drain are closed.
pub(crate) fn closes_at(run: &Run) -> Option<Timestamp> {
    match phase(run) {
        Phase::Drain => run.stopping_since.map(|since| since.plus_ms(CLOSE_AFTER_MS)),
        Phase::None | Phase::Conditional | Phase::Undo | Phase::Finally | Phase::Over => None,
    }
}

/// When phases 3 and 4 have taken as long as they may.
pub(crate) fn gives_up_at(run: &Run) -> Option<Timestamp> {
    match phase(run) {
        Phase::Undo | Phase::Finally => run.undo_since.map(|since| since.plus_ms(run.max_duration_ms)),
        Phase::None | Phase::Drain | Phase::Conditional | Phase::Over => None,
    }
}

/// When `maxDuration` is over. Its clock stands while the run is paused or ending, or while all that runs waits.
pub(crate) fn times_out_at(run: &Run) -> Option<Timestamp> {
    let since = run.clock_since?;
    Some(since.plus_ms(run.max_duration_ms.saturating_sub(run.clock_ms)))
}

/// When a hold expires.
pub(crate) fn hold_expires_at(run: &Run) -> Option<Timestamp> {
    let pause = run.pause.as_ref().filter(|_| run.ending_seq.is_none())?;
    match pause.cause {
        PauseCause::StepFailed if !mutant::active(Mutant::HoldNeverExpires) => {
            Some(pause.since.plus_ms(HOLD_MS))
        }
        PauseCause::StepFailed | PauseCause::Operator => None,
    }
}

/// Takes from the ready set what will never begin, now that the drain is over, and lets those go on that waited for it.
/// (Not before: a RunFailing may still be withdrawn while the run drains.)
pub(crate) fn sweep<G: Ground>(plan: &Plan, ground: &mut G) {
    for (id, step) in &plan.steps {
        let Some(facts) = ground.step(id) else { continue };
        if facts.status != StepStatus::Pending || may_begin(ground.run(), facts.kind) {
            continue;
        }
        crate::ready::remove(plan, ground, id, step);
        crate::ready::release(ground, step);
        if let Some(facts) = ground.step_mut(id) {
            facts.has_released = true;
        }
        crate::ready::settle(plan, ground, id);
    }
}
