//! The transition table (contract 4.4). The only place that says which event may follow which state; every match is
//! complete, so a new state or event does not compile until somebody has decided its cells. Whether the *conditions*
//! beside the table hold (failing, cancelling, phases) is asked in `evolve`, of the state.

use crate::mutant::{self, Mutant};
use dvt_model::run::{EventName, RunStatus, StepStatus};

/// The run's next state; `None` is an invalid transition.
pub const fn run(from: Option<RunStatus>, event: RunEvent) -> Option<RunStatus> {
    use RunEvent::{
        CancelRequested, Cancelled, Completed, Failed, Failing, Paused, Queued, Resumed, SignalReceived,
        Started,
    };
    use RunStatus::{Pending, Running};
    match (from, event) {
        (None, Queued) => Some(Pending),
        (
            None,
            Started | Paused | Resumed | Failing | CancelRequested | Completed | Failed | Cancelled
            | SignalReceived,
        ) => None,

        (Some(Pending), Started) => Some(Running),
        (Some(Pending), CancelRequested | SignalReceived) => Some(Pending),
        (Some(Pending), Failed) => Some(RunStatus::Failed),
        (Some(Pending), Cancelled) => Some(RunStatus::Cancelled),
        (Some(Pending), Queued | Paused | Resumed | Failing | Completed) => None,

        (Some(Running), Paused) => Some(RunStatus::Paused),
        (Some(Running), Failing | CancelRequested | SignalReceived) => Some(Running),
        (Some(Running), Completed) => Some(RunStatus::Completed),
        (Some(Running), Failed) => Some(RunStatus::Failed),
        (Some(Running), Cancelled) => Some(RunStatus::Cancelled),
        (Some(Running), Queued | Started | Resumed) => None,

        (Some(RunStatus::Paused), Resumed) => Some(Running),
        (Some(RunStatus::Paused), Failing | CancelRequested | SignalReceived) => Some(RunStatus::Paused),
        (Some(RunStatus::Paused), Failed) => Some(RunStatus::Failed),
        (Some(RunStatus::Paused), Cancelled) => Some(RunStatus::Cancelled),
        (Some(RunStatus::Paused), Queued | Started | Paused | Completed) => None,

        (
            Some(RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled),
            Queued | Started | Paused | Resumed | Failing | CancelRequested | Completed | Failed | Cancelled
            | SignalReceived,
        ) => None,
    }
}

/// The state of the step's newest attempt after the event; `None` is an invalid transition. (StepRetryRequested adds an
/// attempt, as StepSkipped of a failed step does first: the cell then is that of the new attempt.)
pub fn step(from: StepStatus, event: StepEvent) -> Option<StepStatus> {
    use StepEvent::{Completed, Failed, Redispatched, RetryRequested, Reused, Skipped, Started, Voted};
    match (from, event) {
        (StepStatus::Pending, Started) => Some(StepStatus::Running),
        (StepStatus::Pending, Skipped) => Some(StepStatus::Skipped),
        (StepStatus::Pending, Reused) => Some(StepStatus::Success),
        (StepStatus::Pending, Completed | Failed | Redispatched | RetryRequested | Voted) => None,

        (StepStatus::Running, Completed) => Some(StepStatus::Success),
        (StepStatus::Running, Failed) => Some(StepStatus::Failed),
        (StepStatus::Running, Redispatched | Voted) => Some(StepStatus::Running),
        (StepStatus::Running, Started | Skipped | Reused | RetryRequested) => None,

        (StepStatus::Success, Completed) if mutant::active(Mutant::DoubleCompletion) => {
            Some(StepStatus::Success)
        }
        (StepStatus::Success | StepStatus::Failed | StepStatus::Skipped, RetryRequested) => {
            Some(StepStatus::Pending)
        }
        (
            StepStatus::Success | StepStatus::Failed | StepStatus::Skipped,
            Started | Completed | Failed | Redispatched | Skipped | Reused | Voted,
        ) => None,
    }
}

/// In which states of its run a step event is legal at all. (A conditional step, a compensation or a `finally` step may
/// start while the run is paused, on the way out: which ones, `evolve` asks.)
pub const fn while_run_is(run: RunStatus, event: StepEvent) -> bool {
    use StepEvent::{Completed, Failed, Redispatched, RetryRequested, Reused, Skipped, Started, Voted};
    match (run, event) {
        (
            RunStatus::Running,
            Started | Completed | Failed | Redispatched | Skipped | Voted | RetryRequested | Reused,
        )
        | (
            RunStatus::Paused,
            Started | Completed | Failed | Redispatched | Skipped | Voted | RetryRequested,
        ) => true,
        (RunStatus::Paused, Reused) => false,
        (
            RunStatus::Pending | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled,
            Started | Completed | Failed | Redispatched | Skipped | Voted | RetryRequested | Reused,
        ) => false,
    }
}

/// Events of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEvent {
    /// `RunQueued`
    Queued,
    /// `RunStarted`
    Started,
    /// `RunPaused`
    Paused,
    /// `RunResumed`
    Resumed,
    /// `RunFailing`
    Failing,
    /// `RunCancelRequested`
    CancelRequested,
    /// `RunCompleted`
    Completed,
    /// `RunFailed`
    Failed,
    /// `RunCancelled`
    Cancelled,
    /// `SignalReceived`
    SignalReceived,
}

/// Events of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepEvent {
    /// `StepStarted`
    Started,
    /// `StepRedispatched`
    Redispatched,
    /// `StepCompleted`
    Completed,
    /// `StepFailed`
    Failed,
    /// `StepSkipped`
    Skipped,
    /// `StepReused`
    Reused,
    /// `StepRetryRequested`
    RetryRequested,
    /// `StepVoted`
    Voted,
}

/// Whom an event is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Row {
    /// The run.
    Run(RunEvent),
    /// One of its steps.
    Step(StepEvent),
}

/// The row of a name.
pub const fn row(name: EventName) -> Row {
    match name {
        EventName::RunQueued => Row::Run(RunEvent::Queued),
        EventName::RunStarted => Row::Run(RunEvent::Started),
        EventName::RunPaused => Row::Run(RunEvent::Paused),
        EventName::RunResumed => Row::Run(RunEvent::Resumed),
        EventName::RunFailing => Row::Run(RunEvent::Failing),
        EventName::RunCancelRequested => Row::Run(RunEvent::CancelRequested),
        EventName::RunCompleted => Row::Run(RunEvent::Completed),
        EventName::RunFailed => Row::Run(RunEvent::Failed),
        EventName::RunCancelled => Row::Run(RunEvent::Cancelled),
        EventName::SignalReceived => Row::Run(RunEvent::SignalReceived),
        EventName::StepStarted => Row::Step(StepEvent::Started),
        EventName::StepRedispatched => Row::Step(StepEvent::Redispatched),
        EventName::StepCompleted => Row::Step(StepEvent::Completed),
        EventName::StepFailed => Row::Step(StepEvent::Failed),
        EventName::StepSkipped => Row::Step(StepEvent::Skipped),
        EventName::StepReused => Row::Step(StepEvent::Reused),
        EventName::StepRetryRequested => Row::Step(StepEvent::RetryRequested),
        EventName::StepVoted => Row::Step(StepEvent::Voted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing follows a terminal state, and only RunQueued follows nothing.
    #[test]
    fn the_ends_are_ends() {
        let events = EventName::ALL.iter().map(|name| row(*name));
        let (mut runs, mut steps) = (Vec::new(), Vec::new());
        for row in events {
            match row {
                Row::Run(event) => runs.push(event),
                Row::Step(event) => steps.push(event),
            }
        }
        assert_eq!((runs.len(), steps.len()), (10, 8));
        for event in runs {
            assert_eq!(run(None, event).is_some(), event == RunEvent::Queued);
            for from in RunStatus::ALL.iter().filter(|from| from.is_terminal()) {
                assert_eq!(run(Some(*from), event), None);
            }
        }
        for event in steps {
            for from in [StepStatus::Success, StepStatus::Failed, StepStatus::Skipped] {
                // Only another attempt follows the end of one.
                assert_eq!(step(from, event).is_some(), event == StepEvent::RetryRequested);
            }
            for status in RunStatus::ALL {
                let goes_on = match status {
                    RunStatus::Running => true,
                    RunStatus::Paused => event != StepEvent::Reused,
                    RunStatus::Pending | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => {
                        false
                    }
                };
                assert_eq!(while_run_is(*status, event), goes_on);
            }
        }
    }
}
