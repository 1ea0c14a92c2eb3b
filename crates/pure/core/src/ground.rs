//! Where the fold writes: the state itself, or the overlay of a decision that may still be dropped. One fold serves
//! both, so a decision can never foresee another state than the one that comes.

use crate::about::About;
use crate::event::body::SignalReceived;
use crate::state::{Lane, Place, Queued, Run, State, Step};
use dvt_model::id::StepId;
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads and writes of the fold.
pub(crate) trait Ground {
    fn queued(&self) -> Option<&Queued>;
    fn set_queued(&mut self, queued: Queued);
    fn run(&self) -> &Run;
    fn run_mut(&mut self) -> &mut Run;
    fn step(&self, id: &StepId) -> Option<&Step>;
    fn step_mut(&mut self, id: &StepId) -> Option<&mut Step>;
    fn add_step(&mut self, id: StepId, step: Step);
    fn put(&mut self, place: Place);
    fn take(&mut self, place: &Place);
    /// The first place of the lane after this one.
    fn after(&self, place: &Place) -> Option<Place>;
    fn output(&self, id: &StepId) -> Option<&Value>;
    fn set_output(&mut self, id: &StepId, value: Option<Value>);
    fn inputs(&self, id: &StepId) -> Option<&Value>;
    fn set_inputs(&mut self, id: &StepId, value: Option<Value>);
    /// A named signal that nobody took yet.
    fn signal(&self, number: u32) -> Option<&SignalReceived>;
    fn set_signal(&mut self, number: u32, signal: Option<SignalReceived>);
    /// The numbers of all of them, the oldest first; at most 100.
    fn signal_numbers(&self) -> Vec<u32>;
    /// Everybody whose data the run has met.
    fn persons(&self) -> BTreeSet<String>;
    fn meet(&mut self, about: Option<&About>);
    /// The run is over: nobody asks for a value any more.
    fn forget_values(&mut self);

    /// All steps of a lane, in order.
    fn lane(&self, lane: Lane) -> Vec<StepId> {
        let mut steps = Vec::new();
        let mut at = lane.start();
        while let Some(place) = self.after(&at) {
            steps.extend(place.id());
            at = place;
        }
        steps
    }
}

impl Ground for State {
    fn queued(&self) -> Option<&Queued> {
        self.queued.as_ref()
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
        self.steps.get(id)
    }
    fn step_mut(&mut self, id: &StepId) -> Option<&mut Step> {
        self.steps.get_mut(id)
    }
    fn add_step(&mut self, id: StepId, step: Step) {
        self.steps.insert(id, step);
    }
    fn put(&mut self, place: Place) {
        self.run.touches.0 += 1;
        self.places.insert(place);
    }
    fn take(&mut self, place: &Place) {
        self.run.touches.0 += 1;
        self.places.remove(place);
    }
    fn after(&self, place: &Place) -> Option<Place> {
        after(&self.places, place).next().cloned()
    }
    fn output(&self, id: &StepId) -> Option<&Value> {
        self.outputs.get(id)
    }
    fn set_output(&mut self, id: &StepId, value: Option<Value>) {
        match value {
            Some(value) => self.outputs.insert(id.clone(), value),
            None => self.outputs.remove(id),
        };
    }
    fn inputs(&self, id: &StepId) -> Option<&Value> {
        self.inputs.get(id)
    }
    fn set_inputs(&mut self, id: &StepId, value: Option<Value>) {
        match value {
            Some(value) => self.inputs.insert(id.clone(), value),
            None => self.inputs.remove(id),
        };
    }
    fn signal(&self, number: u32) -> Option<&SignalReceived> {
        self.signals.get(&number)
    }
    fn set_signal(&mut self, number: u32, signal: Option<SignalReceived>) {
        match signal {
            Some(signal) => self.signals.insert(number, signal),
            None => self.signals.remove(&number),
        };
    }
    fn signal_numbers(&self) -> Vec<u32> {
        self.signals.keys().copied().collect()
    }
    fn persons(&self) -> BTreeSet<String> {
        self.persons.clone()
    }
    fn meet(&mut self, about: Option<&About>) {
        self.persons.extend(about.into_iter().flat_map(About::names));
    }
    fn forget_values(&mut self) {
        self.outputs.clear();
        self.inputs.clear();
        self.signals.clear();
    }
}

/// The places of one lane that follow a place.
pub(crate) fn after<'a>(
    places: &'a BTreeSet<Place>,
    place: &Place,
) -> impl Iterator<Item = &'a Place> + use<'a> {
    use std::ops::Bound::Excluded;
    let end = place.lane.next().start();
    places.range((Excluded(place.clone()), Excluded(end)))
}
