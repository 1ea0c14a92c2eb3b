//! A decision in the making: an overlay over the state, the events so far, and the effects that will follow them.
//!
//! It copies what it changes and nothing else, so a decision costs what it touches, not what the run weighs.

use crate::about::About;
use crate::command::{Input, Refusal};
use crate::event::body::SignalReceived;
use crate::event::{Effect, Event};
use crate::ground::{self, Ground};
use crate::state::{Place, Queued, Run, State, Step};
use crate::{Decided, entropy, evolve, lookup};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::code::Code;
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use dvt_model::time::Timestamp;
use dvt_plan::plan::Plan;
use serde::Serialize;
use serde_json::Value;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// The overlay.
pub(crate) struct Draft<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) now: Timestamp,
    below: &'a State,
    queued: Option<Queued>,
    run: Run,
    steps: BTreeMap<StepId, Step>,
    added: BTreeSet<Place>,
    removed: BTreeSet<Place>,
    outputs: BTreeMap<StepId, Option<Value>>,
    inputs: BTreeMap<StepId, Option<Value>>,
    signals: BTreeMap<u32, Option<SignalReceived>>,
    met: BTreeSet<String>,
    is_forgotten: bool,
    entropy: [u8; 32],
    /// Ids drawn so far.
    drawn: u32,
    events: Vec<Event>,
    effects: Vec<Effect>,
    /// Places looked at: reads count as touches too.
    looked_at: Cell<u64>,
}

/// A refusal with a sentence.
pub(crate) fn refusal(code: Code, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(plan: &'a Plan, below: &'a State, input: &Input) -> Self {
        let mut run = below.run.clone();
        run.touches.0 = 0;
        Self {
            plan,
            now: input.now,
            below,
            queued: None,
            run,
            steps: BTreeMap::new(),
            added: BTreeSet::new(),
            removed: BTreeSet::new(),
            outputs: BTreeMap::new(),
            inputs: BTreeMap::new(),
            signals: BTreeMap::new(),
            met: BTreeSet::new(),
            is_forgotten: false,
            entropy: input.entropy,
            drawn: 0,
            events: Vec::new(),
            effects: Vec::new(),
            looked_at: Cell::new(0),
        }
    }

    /// Adds an event about the run.
    pub(crate) fn run_event<B: Serialize>(
        &mut self,
        name: EventName,
        slot: u32,
        body: &B,
    ) -> Result<(), Refusal> {
        self.event(name, None, LogicalAttemptId(slot), EngineAttemptId::FIRST, body)
    }

    /// Adds an event about a step's newest attempt.
    pub(crate) fn step_event<B: Serialize>(
        &mut self,
        name: EventName,
        step: &StepId,
        body: &B,
    ) -> Result<(), Refusal> {
        let facts = lookup::facts(self.plan, self, step).ok_or_else(|| unknown(step))?;
        let (slot, engine) = (facts.logical, facts.engine);
        self.event(name, Some(step.clone()), slot, engine, body)
    }

    /// Adds an event and folds it. What the table refuses is a fault of ours and stops the whole decision (5.6).
    pub(crate) fn event<B: Serialize>(
        &mut self,
        name: EventName,
        step_id: Option<StepId>,
        slot: LogicalAttemptId,
        engine_attempt_id: EngineAttemptId,
        body: &B,
    ) -> Result<(), Refusal> {
        let payload = serde_json::to_value(body)
            .map_err(|error| refusal(Code::ContractViolation, error.to_string()))?;
        let event = Event { name, step_id, slot, engine_attempt_id, at: self.now, payload };
        evolve::apply(self.plan, self, &event)
            .map_err(|error| refusal(Code::ContractViolation, error.to_string()))?;
        self.events.push(event);
        Ok(())
    }

    /// What follows once the events are durable.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Asks the worker to end an attempt.
    pub(crate) fn stop(&mut self, step: &StepId, grace_ms: u64) {
        let Some(facts) = self.step(step) else { return };
        let effect = Effect::Stop {
            step_id: step.clone(),
            logical_attempt_id: facts.logical,
            engine_attempt_id: facts.engine,
            grace_ms,
        };
        self.effects.push(effect);
    }

    /// The next id of this command (contract 5.8).
    pub(crate) fn draw(&mut self) -> [u8; 16] {
        let n = self.drawn;
        self.drawn += 1;
        entropy::nth(&self.entropy, n)
    }

    /// The decision.
    pub(crate) fn done(self) -> Decided {
        Decided {
            events: self.events,
            effects: self.effects,
            touches: self.run.touches.0 + self.looked_at.get(),
        }
    }
}

/// A step that the plan does not have.
pub(crate) fn unknown(step: &StepId) -> Refusal {
    refusal(Code::InvalidStateTransition, format!("the plan has no step `{step}`"))
}

impl Ground for Draft<'_> {
    fn queued(&self) -> Option<&Queued> {
        self.queued.as_ref().or(self.below.queued.as_ref())
    }
    fn set_queued(&mut self, queued: Queued) {
        self.queued = Some(queued);
    }
    fn run(&self) -> &Run {
        &self.run
    }
    fn run_mut(&mut self) -> &mut Run {
        &mut self.run
    }
    fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.get(id).or_else(|| self.below.steps.get(id))
    }
    fn step_mut(&mut self, id: &StepId) -> Option<&mut Step> {
        if !self.steps.contains_key(id) {
            self.steps.insert(id.clone(), self.below.steps.get(id)?.clone());
        }
        self.steps.get_mut(id)
    }
    fn add_step(&mut self, id: StepId, step: Step) {
        self.steps.insert(id, step);
    }
    fn put(&mut self, place: Place) {
        self.run.touches.0 += 1;
        self.removed.remove(&place);
        self.added.insert(place);
    }
    fn take(&mut self, place: &Place) {
        self.run.touches.0 += 1;
        self.added.remove(place);
        self.removed.insert(place.clone());
    }
    fn after(&self, place: &Place) -> Option<Place> {
        let below = ground::after(&self.below.places, place)
            .inspect(|_| self.looked_at.set(self.looked_at.get() + 1))
            .find(|place| !self.removed.contains(place));
        let own = ground::after(&self.added, place).next();
        match (below, own) {
            (Some(below), Some(own)) => Some(below.min(own).clone()),
            (below, own) => below.or(own).cloned(),
        }
    }
    fn output(&self, id: &StepId) -> Option<&Value> {
        match self.outputs.get(id) {
            Some(own) => own.as_ref(),
            None => self.below.outputs.get(id).filter(|_| !self.is_forgotten),
        }
    }
    fn set_output(&mut self, id: &StepId, value: Option<Value>) {
        self.outputs.insert(id.clone(), value);
    }
    fn inputs(&self, id: &StepId) -> Option<&Value> {
        match self.inputs.get(id) {
            Some(own) => own.as_ref(),
            None => self.below.inputs.get(id).filter(|_| !self.is_forgotten),
        }
    }
    fn set_inputs(&mut self, id: &StepId, value: Option<Value>) {
        self.inputs.insert(id.clone(), value);
    }
    fn signal(&self, number: u32) -> Option<&SignalReceived> {
        match self.signals.get(&number) {
            Some(own) => own.as_ref(),
            None => self.below.signals.get(&number).filter(|_| !self.is_forgotten),
        }
    }
    fn set_signal(&mut self, number: u32, signal: Option<SignalReceived>) {
        self.signals.insert(number, signal);
    }
    fn signal_numbers(&self) -> Vec<u32> {
        let known: BTreeSet<u32> = self.below.signals.keys().chain(self.signals.keys()).copied().collect();
        known.into_iter().filter(|number| self.signal(*number).is_some()).collect()
    }
    fn persons(&self) -> BTreeSet<String> {
        self.below.persons.union(&self.met).cloned().collect()
    }
    fn meet(&mut self, about: Option<&About>) {
        self.met.extend(about.into_iter().flat_map(About::names));
    }
    fn forget_values(&mut self) {
        self.is_forgotten = true;
        self.outputs.clear();
        self.inputs.clear();
        self.signals.clear();
    }
}
