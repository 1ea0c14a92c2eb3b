//! The deterministic state machine of a run: `decide(state, command)`, `evolve(state, event)`, the ready set.
//!
//! No clock, no chance, no I/O, no unordered iteration: commands carry `now` and 32 bytes of entropy from outside. Start
//! reading at `table`, then `decide`, one command a file.
// INVARIANT(INV-06): the same plan and the same commands give the same events, byte for byte.

mod bindings;
pub mod command;
mod condition;
mod decide;
pub mod entropy;
pub mod event;
mod evolve;
mod ground;
pub mod mutant;
mod ready;
mod render;
mod retry;
mod signal;
mod snapshot;
mod state;
pub mod table;
mod way_out;

pub use state::State;

use command::{Input, Refusal};
use dvt_model::id::RunId;
use dvt_model::run::{PlanRef, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use event::{Effect, Event};
use ground::Ground;
use state::Lane;

/// What a command leads to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decided {
    /// Events to append, in order. Nothing happens before they are durable.
    pub events: Vec<Event>,
    /// What to do once they are.
    pub effects: Vec<Effect>,
    /// Counted operations on the ready set, for the gate on cost.
    pub touches: u64,
}

/// Decides a command. Pure; the caller appends the events, then [`evolve`]s with each, then acts on the effects.
///
/// No events and no refusal: the command changes nothing (a report that was heard before, a second cancel, nothing due).
pub fn decide(plan: &Plan, state: &State, input: &Input) -> Result<Decided, Refusal> {
    decide::decide(plan, state, input)
}

/// Folds one event into the state; an event that the transition table refuses leaves it untouched.
pub fn evolve(plan: &Plan, state: &mut State, event: &Event) -> Result<(), event::InvalidTransition> {
    evolve::apply(plan, state, event)
}

impl State {
    /// When something becomes due: a wait, a retry, the end of a grace, `maxDuration`. A retry whose time has come stays
    /// the answer until an `Offer` starts it: whoever sleeps until the next moment asks [`State::next_due_after`].
    pub fn next_due(&self) -> Option<Timestamp> {
        let retry = self.after(&Lane::Retry.start()).map(|place| Timestamp::from_ms(place.rank));
        self.earliest(retry)
    }

    /// The same without retries that are due at `now` already: those are [`State::has_ready`]'s to say, and a `Due` does
    /// nothing for them. At a moment that this answers and that has come, a `Due` adds at least one event.
    pub fn next_due_after(&self, now: Timestamp) -> Option<Timestamp> {
        let upper = state::Place { lane: Lane::Retry, rank: now.ms().saturating_add(1), step: None };
        self.earliest(self.after(&upper).map(|place| Timestamp::from_ms(place.rank)))
    }

    fn earliest(&self, retry: Option<Timestamp>) -> Option<Timestamp> {
        if self.run.status != Some(RunStatus::Running) {
            return None;
        }
        let due = self.after(&Lane::Due.start()).map(|place| Timestamp::from_ms(place.rank));
        let limits = [way_out::times_out_at(&self.run), way_out::closes_at(&self.run)];
        [due, retry].into_iter().chain(limits).flatten().min()
    }

    /// Whether an `Offer` with a free slot would add an event at `now`.
    pub fn has_ready(&self, now: Timestamp) -> bool {
        match self.run.status {
            Some(RunStatus::Pending) => self.run.cancel.is_none(),
            Some(RunStatus::Running) => {
                let waits = way_out::phase(&self.run) == way_out::Phase::Drain
                    || self.run.running >= self.run.max_parallel;
                let retry = || self.after(&Lane::Retry.start()).is_some_and(|place| place.rank <= now.ms());
                let ready = || {
                    [Lane::Ready, Lane::ReadyInside]
                        .into_iter()
                        .any(|lane| self.after(&lane.start()).is_some())
                };
                !waits && (ready() || retry())
            }
            Some(RunStatus::Paused | RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled)
            | None => false,
        }
    }

    /// The run's status; none before RunQueued.
    pub fn status(&self) -> Option<RunStatus> {
        self.run.status
    }

    /// The run's id; none before RunQueued.
    pub fn run_id(&self) -> Option<RunId> {
        self.queued.as_ref().map(|queued| queued.run_id)
    }

    /// The plan that the run follows; none before RunQueued.
    pub fn plan_ref(&self) -> Option<&PlanRef> {
        self.queued.as_ref().map(|queued| &queued.plan)
    }

    /// How many events were folded: the `runSeq` of the last one.
    pub fn last_run_seq(&self) -> u64 {
        self.run.seq
    }

    /// Attempts that run, those inside the engine included.
    pub fn running(&self) -> u32 {
        self.run.running
    }

    /// The state of a step's newest attempt.
    pub fn step_status(&self, step: &dvt_model::id::StepId) -> Option<StepStatus> {
        self.steps.get(step).map(|facts| facts.status)
    }

    /// Whether an attempt is given out to a worker and not yet reported.
    pub fn is_dispatched(&self, step: &dvt_model::id::StepId) -> bool {
        let runs = self.step_status(step) == Some(StepStatus::Running);
        runs && self.steps.get(step).is_some_and(|facts| facts.due_at.is_none())
    }

    /// Counted operations on the ready set by this fold so far, for the gate on cost.
    pub fn touches(&self) -> u64 {
        self.run.touches.0
    }
}
