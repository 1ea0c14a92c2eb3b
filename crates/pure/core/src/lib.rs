//! The deterministic state machine of a run: `decide(state, command)`, `evolve(state, event)`, the ready set.
//!
//! No clock, no chance, no I/O, no unordered iteration: commands carry `now` and 32 bytes of entropy from outside. Start
//! reading at `table`, then `decide`, one command a file.
// INVARIANT(INV-06): the same plan and the same commands give the same events, byte for byte.

mod about;
mod bindings;
pub mod command;
mod condition;
mod decide;
pub mod entropy;
pub mod event;
mod evolve;
mod gate;
mod ground;
mod group;
mod lookup;
pub mod mutant;
mod ready;
mod render;
mod retry;
mod signal;
mod snapshot;
mod state;
pub mod table;
mod undo;
mod way_out;

pub use about::{About, Kept, kept};
pub use decide::MAX_DISPATCHES;
pub use gate::gated;
pub use group::group_of;
pub use state::State;

use command::{Input, Refusal};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::id::{RunId, StepId};
use dvt_model::run::{PlanRef, RunStatus, StepStatus};
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use event::{Effect, Event};
use ground::Ground;
use state::{Lane, Place};

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
    /// When something becomes due: a wait, a retry, the end of a grace, `maxDuration`, the end of a hold, `startAt`. A retry
    /// or a start whose time has come stays the answer until an `Offer` takes it: whoever sleeps until the next moment asks
    /// [`State::next_due_after`].
    pub fn next_due(&self) -> Option<Timestamp> {
        let retry = self.after(&Lane::Retry.start()).map(|place| Timestamp::from_ms(place.rank));
        self.earliest(retry, self.starts_at())
    }

    /// The same without what is due at `now` already and an `Offer` takes: that is [`State::has_ready`]'s to say, and a `Due`
    /// does nothing for it. At a moment that this answers and that has come, a `Due` adds at least one event.
    pub fn next_due_after(&self, now: Timestamp) -> Option<Timestamp> {
        let upper = Place { rank: now.ms().saturating_add(1), ..Lane::Retry.start() };
        let retry = self.after(&upper).map(|place| Timestamp::from_ms(place.rank));
        self.earliest(retry, self.starts_at().filter(|at| *at > now))
    }

    /// Since when the run could have begun, while it has not: its wait for `startAt` is no part of its life in the queue.
    pub fn waits_since(&self) -> Option<Timestamp> {
        let queued_at = self.run.queued_at.filter(|_| self.run.status == Some(RunStatus::Pending))?;
        Some(self.starts_at().map_or(queued_at, |at| at.max(queued_at)))
    }

    /// When the run was queued.
    pub fn queued_at(&self) -> Option<Timestamp> {
        self.run.queued_at
    }

    fn starts_at(&self) -> Option<Timestamp> {
        let waits = self.run.status == Some(RunStatus::Pending) && self.run.cancel.is_none();
        self.queued.as_ref().filter(|_| waits)?.start_at
    }

    fn earliest(&self, retry: Option<Timestamp>, start: Option<Timestamp>) -> Option<Timestamp> {
        if !way_out::is_open(&self.run) {
            return start;
        }
        let due = self.after(&Lane::Due.start()).map(|place| Timestamp::from_ms(place.rank));
        let limits = [
            way_out::times_out_at(&self.run),
            way_out::closes_at(&self.run),
            way_out::gives_up_at(&self.run),
            way_out::hold_expires_at(&self.run),
        ];
        let retry = retry.filter(|_| way_out::goes_on(&self.run));
        [due, retry].into_iter().chain(limits).flatten().min()
    }

    /// Whether an `Offer` with a free slot would add an event at `now`.
    pub fn has_ready(&self, now: Timestamp) -> bool {
        if self.run.status == Some(RunStatus::Pending) {
            return self.wants_reuse().is_none() && self.may_begin(now);
        }
        if !way_out::goes_on(&self.run) || way_out::is_full(&self.run) {
            return false;
        }
        let phase = way_out::phase(&self.run);
        let stands = |lane: Lane| self.after(&lane.start()).is_some();
        let ready = match decide::lanes(phase, self.run.open > 0) {
            Some((programs, inside)) => stands(programs) || stands(inside),
            None => phase == way_out::Phase::Undo && undo::next(self).is_some(),
        };
        ready || self.has_due_retry(now)
    }

    /// Whether the run has not begun and may at `now`: by an `Offer`, or by `Reuse` where it takes steps over.
    pub fn may_begin(&self, now: Timestamp) -> bool {
        let waits = self.run.status == Some(RunStatus::Pending) && self.run.cancel.is_none();
        waits && self.starts_at().is_none_or(|at| at <= now)
    }

    /// The run in whose place this one is.
    pub fn original_run(&self) -> Option<RunId> {
        self.queued.as_ref()?.original_run_id
    }

    fn has_due_retry(&self, now: Timestamp) -> bool {
        let mut at = Lane::Retry.start();
        while let Some(place) = self.after(&at).filter(|place| place.rank <= now.ms()) {
            let facts = place.id().and_then(|id| self.steps.get(&id));
            if facts.is_some_and(|facts| way_out::may_begin_now(&self.run, facts.kind)) {
                return true;
            }
            at = place;
        }
        false
    }

    /// The steps that the run takes over and whose results it waits for, until `Command::Reuse` brings them.
    pub fn wants_reuse(&self) -> Option<&std::collections::BTreeSet<StepId>> {
        let queued = self.queued.as_ref().filter(|_| self.run.status == Some(RunStatus::Pending))?;
        (!queued.reuse.is_empty()).then_some(&queued.reuse)
    }

    /// What a run that continues this one may take over: completed steps whose definition is the same in its plan, which is
    /// not the case of what was undone, nor of a `foreach` that names a compensation (its items would be unknown).
    pub fn reusable(&self, plan: &Plan, next: &Plan) -> std::collections::BTreeSet<StepId> {
        let may = |id: &&StepId| {
            let (Some(old), Some(new)) = (plan.steps.get(*id), next.steps.get(*id)) else { return false };
            let same = old.definition == new.definition && new.part == dvt_plan::plan::Part::Ordinary;
            let is_undone = self.steps.contains_key(&id.compensation());
            let is_done = self.step_status(id) == Some(StepStatus::Success);
            same && is_done
                && !is_undone
                && !id.is_gate()
                && (new.foreach.is_none() || new.compensate.is_none())
        };
        self.steps.keys().filter(|id| id.is_plain()).filter(may).cloned().collect()
    }

    /// The steps whose outputs a step reads and the state has let go: RETRY_STEP must bring them from the ledger.
    pub fn forgotten_by(&self, plan: &Plan, step: &StepId) -> std::collections::BTreeSet<StepId> {
        signal::forgotten_by(plan, self, step)
    }

    /// The run of a sub-plan's newest attempt.
    pub fn child_of(&self, step: &StepId) -> Option<RunId> {
        self.steps.get(step)?.child
    }

    /// The run whose sub-plan this one is.
    pub fn parent_run(&self) -> Option<RunId> {
        self.queued.as_ref()?.parent_run_id
    }

    /// Whether a step, item or compensation runs that waits for this run of its sub-plan.
    pub fn awaits(&self, child: RunId) -> bool {
        self.lane(Lane::Running).iter().any(|step| self.child_of(step) == Some(child))
    }

    /// The steps, items and compensations that run, in order.
    pub fn running_steps(&self) -> Vec<StepId> {
        self.lane(Lane::Running)
    }

    /// Whether the run is on its way out.
    pub fn is_ending(&self) -> bool {
        self.run.ending_seq.is_some()
    }

    /// Whether this attempt runs and is being ended: by a cancel, or because the run's time is over.
    pub fn is_being_ended(&self, step: &StepId) -> bool {
        let facts = self.steps.get(step);
        facts.is_some_and(|facts| {
            way_out::is_of_the_drain(&self.run, facts) && way_out::is_stopping(&self.run)
        })
    }

    /// The newest attempt of a step, item or compensation, and its dispatch.
    pub fn attempt(&self, step: &StepId) -> Option<(LogicalAttemptId, EngineAttemptId)> {
        self.steps.get(step).map(|facts| (facts.logical, facts.engine))
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
    pub fn step_status(&self, step: &StepId) -> Option<StepStatus> {
        self.steps.get(step).map(|facts| facts.status)
    }

    /// Whether an attempt is given out to a worker and not yet reported.
    pub fn is_dispatched(&self, step: &StepId) -> bool {
        let facts = self.steps.get(step);
        facts.is_some_and(|facts| facts.status == StepStatus::Running && facts.doing == lookup::Doing::Worker)
    }

    /// Counted operations on the ready set by this fold so far, for the gate on cost.
    pub fn touches(&self) -> u64 {
        self.run.touches.0
    }
}
