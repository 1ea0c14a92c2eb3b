//! The transition table (contract 4.4). The only place that says which event may follow which state; every match is
//! complete, so a new state or event does not compile until somebody has decided its cells. Whether the *conditions*
//! beside the table hold (failing, cancelling, phases) is asked in `evolve`, of the state.

use crate::mutant::{self, Mutant};
use dvt_model::run::{EventName, RunStatus, StepStatus};

/// The run's next state; `None` is an invalid transition.
pub const fn run(from: Option<RunStatus>, event: RunEvent) -> Option<RunStatus> {
    use RunEvent::{CancelRequested, Cancelled, Completed, Failed, Failing, Queued, Started};
    use RunStatus::{Paused, Pending, Running};
    match (from, event) {
        (None, Queued) => Some(Pending),
        (None, Started | Failing | CancelRequested | Completed | Failed | Cancelled) => None,

        (Some(Pending), Started) => Some(Running),
        (Some(Pending), CancelRequested) => Some(Pending),
        (Some(Pending), Failed) => Some(RunStatus::Failed),
        (Some(Pending), Cancelled) => Some(RunStatus::Cancelled),
        (Some(Pending), Queued | Failing | Completed) => None,

        (Some(Running), Failing | CancelRequested) => Some(Running),
        (Some(Running), Completed) => Some(RunStatus::Completed),
        (Some(Running), Failed) => Some(RunStatus::Failed),
        (Some(Running), Cancelled) => Some(RunStatus::Cancelled),
        (Some(Running), Queued | Started) => None,

        (Some(Paused), Failing | CancelRequested) => Some(Paused),
        (Some(Paused), Failed) => Some(RunStatus::Failed),
        (Some(Paused), Cancelled) => Some(RunStatus::Cancelled),
        (Some(Paused), Queued | Started | Completed) => None,

        (
            Some(RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled),
            Queued | Started | Failing | CancelRequested | Completed | Failed | Cancelled,
        ) => None,
    }
}

/// The state of the step's newest attempt after the event; `None` is an invalid transition.
pub fn step(from: StepStatus, event: StepEvent) -> Option<StepStatus> {
    use StepEvent::{Completed, Failed, Redispatched, Skipped, Started};
    match (from, event) {
        (StepStatus::Pending, Started) => Some(StepStatus::Running),
        (StepStatus::Pending, Skipped) => Some(StepStatus::Skipped),
        (StepStatus::Pending, Completed | Failed | Redispatched) => None,

        (StepStatus::Running, Completed) => Some(StepStatus::Success),
        (StepStatus::Running, Failed) => Some(StepStatus::Failed),
        (StepStatus::Running, Redispatched) => Some(StepStatus::Running),
        (StepStatus::Running, Started | Skipped) => None,

        (StepStatus::Success, Completed) if mutant::active(Mutant::DoubleCompletion) => {
            Some(StepStatus::Success)
        }
        (
            StepStatus::Success | StepStatus::Failed | StepStatus::Skipped,
            Started | Completed | Failed | Redispatched | Skipped,
        ) => None,
    }
}

/// In which states of its run a step event is legal at all.
pub const fn while_run_is(run: RunStatus, event: StepEvent) -> bool {
    use StepEvent::{Completed, Failed, Redispatched, Skipped, Started};
    match (run, event) {
        (RunStatus::Running, Started | Completed | Failed | Redispatched | Skipped) => true,
        // Paused: running steps settle; a conditional step of the way out may start, which `evolve` asks.
        (RunStatus::Paused, Started | Completed | Failed | Redispatched | Skipped) => true,
        (
            RunStatus::Pending | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled,
            Started | Completed | Failed | Redispatched | Skipped,
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
        EventName::RunFailing => Row::Run(RunEvent::Failing),
        EventName::RunCancelRequested => Row::Run(RunEvent::CancelRequested),
        EventName::RunCompleted => Row::Run(RunEvent::Completed),
        EventName::RunFailed => Row::Run(RunEvent::Failed),
        EventName::RunCancelled => Row::Run(RunEvent::Cancelled),
        EventName::StepStarted => Row::Step(StepEvent::Started),
        EventName::StepRedispatched => Row::Step(StepEvent::Redispatched),
        EventName::StepCompleted => Row::Step(StepEvent::Completed),
        EventName::StepFailed => Row::Step(StepEvent::Failed),
        EventName::StepSkipped => Row::Step(StepEvent::Skipped),
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
        assert_eq!((runs.len(), steps.len()), (7, 5));
        for event in runs {
            assert_eq!(run(None, event).is_some(), event == RunEvent::Queued);
            for from in RunStatus::ALL.iter().filter(|from| from.is_terminal()) {
                assert_eq!(run(Some(*from), event), None);
            }
        }
        for event in steps {
            for from in [StepStatus::Success, StepStatus::Failed, StepStatus::Skipped] {
                assert_eq!(step(from, event), None);
            }
            for status in RunStatus::ALL {
                assert_eq!(
                    while_run_is(*status, event),
                    matches!(status, RunStatus::Running | RunStatus::Paused)
                );
            }
        }
    }
}
