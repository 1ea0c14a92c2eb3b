//! Under which class, and about whom, a run's payloads and logs go to the store: what the core says, in the store's words.

use dvt_core::event::Event;
use dvt_core::{About, Kept, State};
use dvt_model::entry::PayloadClass;
use dvt_model::id::StepId;
use dvt_plan::plan::{DataClass, Plan};
use dvt_store::port::operation::{EntryDraft, Protection, Subject};

/// An event with how its payload is kept.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) kept: Kept,
}

/// Events with how they are kept; `state` is the one that they follow.
pub(crate) fn told(plan: &Plan, state: &State, events: &[Event]) -> Vec<Told> {
    let kept = dvt_core::kept(plan, state, events);
    events.iter().zip(kept).map(|(event, kept)| Told { event: event.clone(), kept }).collect()
}

/// The same where the state has followed the events meanwhile: `kept` was asked before it did.
pub(crate) fn paired(events: Vec<Event>, kept: Vec<Kept>) -> impl Iterator<Item = Told> {
    events.into_iter().zip(kept).map(|(event, kept)| Told { event, kept })
}

/// The entries of acts that come before the events, and whom some of them are about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acts {
    pub(crate) entries: Vec<EntryDraft>,
    pub(crate) about: Vec<(usize, Subject)>,
}

impl From<Vec<EntryDraft>> for Acts {
    fn from(entries: Vec<EntryDraft>) -> Self {
        Self { entries, about: Vec::new() }
    }
}

impl Acts {
    /// Adds the entry of a signal, which says what the signal brought and is kept like it.
    pub(crate) fn add_signal(&mut self, mut entry: EntryDraft, received: Option<&Kept>) {
        if let (Some(kept), Some((class, _))) = (received, &mut entry.payload) {
            if kept.class != DataClass::Standard {
                *class = class_of(kept.class);
            }
            if let Some(about) = &kept.about {
                self.about.push((self.entries.len(), subject_of(about.clone())));
            }
        }
        self.entries.push(entry);
    }
}

/// The class of a payload, from that of the plan.
pub(crate) const fn class_of(class: DataClass) -> PayloadClass {
    match class {
        DataClass::Standard => PayloadClass::Standard,
        DataClass::Pii => PayloadClass::Pii,
        DataClass::Phi => PayloadClass::Phi,
        DataClass::Financial => PayloadClass::Financial,
    }
}

/// Whose payload it is, for the store.
pub(crate) fn subject_of(about: About) -> Subject {
    match about {
        About::Person(person) => Subject::Person(person),
        About::Several(persons) => Subject::Several(persons),
    }
}

/// Under what the log of a step's newest attempt lies.
// INVARIANT(INV-18): what a step prints is kept like what it was given.
pub(crate) fn of_log(plan: &Plan, state: &State, step: &StepId) -> Protection {
    Protection {
        class: class_of(plan.classes(step).input),
        about: state.about(step).cloned().map(subject_of),
    }
}
