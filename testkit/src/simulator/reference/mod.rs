//! The reference model: the contract's sentences, said again as simply as possible. It knows of a run what its events say,
//! one fact for each of its units, and at each command asks of all of them anew what must follow. It keeps no ready set and
//! no counter, and shares no code with `decide`; it is slow, and meant to be obviously right.

mod answer;
mod course;
pub mod law;
mod said;
mod view;
mod words;

pub use answer::{Essence, Expected, expect};
pub use said::Said;

use course::Phase;
use dvt_plan::plan::Plan;
use std::rc::Rc;

/// What the reference knows of a run, for whoever judges and counts.
#[derive(Debug, Default)]
pub struct Reading {
    view: view::View,
}

impl Reading {
    /// Of no event yet.
    pub fn new(plan: &Plan) -> Self {
        Self { view: view::View::of(plan) }
    }

    /// One event more, after the law was asked.
    pub fn read(&mut self, plan: &Plan, said: &Rc<Said>) -> Result<(), String> {
        law::allows(plan, &self.view, said)?;
        self.view.read(plan, said);
        Ok(())
    }

    /// Whether the law takes the event here.
    pub fn allows(&self, plan: &Plan, said: &Said) -> Result<(), String> {
        law::allows(plan, &self.view, said)
    }

    /// The run's state as the table names it.
    pub fn run_state(&self) -> &'static str {
        law::run_state(&self.view)
    }

    /// The state of a unit's newest attempt.
    pub fn step_state(&self, unit: &str) -> &'static str {
        law::step_state(&self.view, unit)
    }

    /// The run's state as signals meet it.
    pub fn signal_state(&self) -> String {
        let state = self.run_state();
        let ending = self.view.is_ending() && !self.view.is_over();
        if ending && state != "PENDING" { format!("{state}, ending") } else { state.to_owned() }
    }

    /// Which phase of the way out this is, from 1; 0 where the run is not on it.
    pub fn phase(&self, plan: &Plan) -> u8 {
        match course::phase(plan, &self.view) {
            _ if self.view.is_over() => 0,
            Phase::None | Phase::Over => 0,
            Phase::Drain => 1,
            Phase::Conditional => 2,
            Phase::Compensation => 3,
            Phase::Finally => 4,
        }
    }

    /// Whether the run is on its way out.
    pub fn is_ending(&self) -> bool {
        self.view.is_ending()
    }

    /// Whether it is cancelling.
    pub fn is_cancelling(&self) -> bool {
        self.view.is_cancelling()
    }

    /// The units that were met, with the number of their newest attempt and dispatch.
    pub fn units(&self) -> impl Iterator<Item = (&str, u32, u32)> {
        self.view.units.iter().map(|(name, fact)| (name.as_str(), fact.attempt, fact.dispatch))
    }

    /// How often an event counted n-th has happened: pauses, failings, signals.
    pub fn counted(&self, name: &str, unit: Option<&str>) -> u32 {
        let fact = unit.and_then(|unit| self.view.fact(unit));
        match name {
            "RunPaused" | "RunResumed" => self.view.pauses,
            "RunFailing" => self.view.failings,
            "SignalReceived" => self.view.signals,
            "StepRedispatched" => fact.map_or(0, |fact| fact.redispatches),
            "StepRetryRequested" => fact.map_or(0, |fact| fact.retries),
            "StepVoted" => fact.map_or(0, |fact| fact.votes),
            _ => 0,
        }
    }

    /// Attempts that work: what no `foreach` base and no compensation is counted twice for.
    pub fn at_work(&self, plan: &Plan) -> usize {
        let works =
            |unit: &&String| view::step_of(plan, unit).is_some_and(|step| !answer::is_base(step, unit));
        self.view.running().filter(works).count()
    }
}
