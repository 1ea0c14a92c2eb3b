//! Whose personal data a step's payloads are: what `subject` names, and what flows from the outputs that a step reads.
//!
//! Surprising are the runs of sub-plans: they know nothing of each other, so a child is told whom its inputs are about, its last event
//! says whom its outputs or its failure are about, and of several both mean everybody whom the run that tells it has met.
//!
//! A step that names a subject speaks for its output; one that declassifies gives an output that is about nobody. Surprising: both are
//! still given what they read, so their arguments, their log and their failures stay about everybody who flowed in.

use crate::event::Event;
use crate::event::body::{RunFailed, RunQueued, SignalReceived, StepStarted};
use crate::evolve;
use crate::ground::Ground;
use crate::render;
use crate::state::{Queued, State};
use dvt_model::id::StepId;
use dvt_model::run::EventName;
use dvt_plan::expression::{Expression, Fault};
use dvt_plan::plan::{DataClass, Form, Plan, Step};
use dvt_plan::template::TemplateValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name of a person.
pub(crate) const LONGEST_NAME: usize = 1_024;

/// Whose data something is, where it is somebody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum About {
    /// One person's.
    Person(String),
    /// That of several; those who are named here for the first time.
    Several(Vec<String>),
}

impl About {
    pub(crate) fn names(&self) -> BTreeSet<String> {
        match self {
            Self::Person(name) => BTreeSet::from([name.clone()]),
            Self::Several(names) => names.iter().cloned().collect(),
        }
    }

    /// Both together.
    fn with(self, other: Option<&Self>) -> Self {
        match other {
            Some(other) if *other != self => {
                let mut names = self.names();
                names.extend(other.names());
                Self::Several(names.into_iter().collect())
            }
            Some(_) | None => self,
        }
    }

    /// By name, for another run: of several, everybody whom this one has met.
    pub(crate) fn named(&self, mut met: BTreeSet<String>) -> Self {
        match self {
            Self::Person(name) => Self::Person(name.clone()),
            Self::Several(names) => {
                met.extend(names.iter().cloned());
                Self::Several(met.into_iter().collect())
            }
        }
    }

    /// The same without the names of several, which an event has told once.
    pub(crate) fn told(self) -> Self {
        match self {
            Self::Person(name) => Self::Person(name),
            Self::Several(_) => Self::Several(Vec::new()),
        }
    }
}

fn join<'a>(all: impl Iterator<Item = Option<&'a About>>) -> Option<About> {
    all.flatten()
        .fold(None, |sum, one| Some(sum.map_or_else(|| one.clone(), |sum: About| sum.with(Some(one)))))
}

/// Whose data an attempt is given, and whose its output is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) inputs: Option<About>,
    pub(crate) output: Option<About>,
}

/// What flows in from what it reads; into a compensation also what it undoes.
fn flows<G: Ground>(ground: &G, id: &StepId, step: &Step) -> Option<About> {
    let read = step.reads.iter().map(|read| ground.step(read)?.about_output.as_ref());
    let undone = id.undone();
    let undone = undone.as_ref().and_then(|undone| ground.step(undone));
    let undone = undone.into_iter().flat_map(|facts| [facts.about.as_ref(), facts.about_output.as_ref()]);
    join(read.chain(undone).chain([of_given(ground.queued(), |mut visit| step.each_expression(&mut visit))]))
}

/// Whom the inputs of the run are about, for whatever names them. A text that only looks like them counts: nothing is left out.
fn of_given(queued: Option<&Queued>, visit: impl FnOnce(&mut dyn FnMut(&Expression))) -> Option<&About> {
    let about = queued?.about.as_ref()?;
    let mut reads = false;
    visit(&mut |expression| reads |= expression.source().contains("inputs"));
    reads.then_some(about)
}

/// The same for the outputs of the plan.
fn given_to_outputs<'q>(plan: &Plan, queued: Option<&'q Queued>) -> Option<&'q About> {
    of_given(queued, |mut visit| plan.outputs.values().for_each(|value| value.each_expression(&mut visit)))
}

/// Whose data the outputs of the plan are.
pub(crate) fn of_outputs<G: Ground>(plan: &Plan, ground: &G) -> Option<About> {
    let named = render::names_of_outputs(plan);
    let named = named.iter().map(|step| ground.step(step)?.about_output.as_ref());
    join(named.chain([given_to_outputs(plan, ground.queued())]))
}

/// What the run of a sub-plan says to its parent in its last event; others have nobody to tell.
pub(crate) fn for_parent<G: Ground>(ground: &G, whose: Option<About>) -> Option<About> {
    ground.queued()?.parent_run_id?;
    Some(whose?.named(ground.persons()))
}

/// What a sub-plan's end adds: whose the step's failure and its output are. A step that declassifies, or names a subject, speaks for its
/// output here as elsewhere.
pub(crate) fn of_child<G: Ground>(ground: &G, id: &StepId, step: &Step, ended: Option<&About>) -> Whose {
    let (Some(ended), Some(facts)) = (ended, ground.step(id)) else { return Whose::default() };
    let output = join([facts.about_output.as_ref(), Some(ended)].into_iter());
    Whose {
        inputs: join([facts.about.as_ref(), Some(ended)].into_iter()),
        output: output.filter(|_| !speaks_for_output(step)),
    }
}

/// What the items of a `foreach` over a sub-plan add to what its step gives.
pub(crate) fn of_children<G: Ground>(ground: &G, base: &StepId, step: &Step, count: u32) -> Option<About> {
    if !matches!(step.form, Form::Plan(_)) || speaks_for_output(step) {
        return None;
    }
    let before = ground.step(base)?.about_output.as_ref();
    let items: Vec<Option<About>> =
        (0..count).map(|index| ground.step(&base.item(index))?.about_output.clone()).collect();
    join(std::iter::once(before).chain(items.iter().map(Option::as_ref))).filter(|all| Some(all) != before)
}

/// What the item whose failure a step repeats adds to what that may tell of.
pub(crate) fn of_failed_item<G: Ground>(ground: &G, base: &StepId, step: &Step, index: u32) -> Option<About> {
    if !matches!(step.form, Form::Plan(_)) {
        return None;
    }
    let before = ground.step(base)?.about.as_ref();
    let item = ground.step(&base.item(index))?.about.as_ref();
    join([before, item].into_iter()).filter(|both| Some(both) != before)
}

/// What was taken over may be about anybody whom the other run knew.
pub(crate) fn taken_over<G: Ground>(ground: &mut G, id: &StepId, step: &Step) {
    if step.declassify.is_some() || ground.persons().is_empty() {
        return;
    }
    if let Some(facts) = ground.step_mut(id) {
        facts.about_output = Some(About::Several(Vec::new()));
    }
}

fn speaks_for_output(step: &Step) -> bool {
    step.declassify.is_some() || step.subject.is_some()
}

fn whose(step: &Step, flow: Option<About>, own: Option<About>) -> Whose {
    let Some(own) = own else {
        let output = flow.clone().filter(|_| step.declassify.is_none());
        return Whose { inputs: flow, output };
    };
    Whose { inputs: Some(own.clone().with(flow.as_ref())), output: Some(own) }
}

/// What can be said without asking the step's own `subject`, where that gave no value.
pub(crate) fn without_subject<G: Ground>(ground: &G, id: &StepId, step: &Step) -> Whose {
    whose(step, flows(ground, id, step), None)
}

/// Of an attempt that is about to begin.
pub(crate) fn of_attempt<G: Ground>(
    plan: &Plan,
    ground: &G,
    id: &StepId,
    step: &Step,
) -> Result<Whose, Fault> {
    let own = match &step.subject {
        Some(subject) => Some(About::Person(name(plan, ground, id, subject)?)),
        None => None,
    };
    Ok(whose(step, flows(ground, id, step), own))
}

/// Of the step of a `foreach` with so many items, which stand in its inputs already: it is about all of them.
pub(crate) fn of_items<G: Ground>(
    plan: &Plan,
    ground: &G,
    id: &StepId,
    step: &Step,
    count: u32,
) -> Result<Whose, Fault> {
    let Some(subject) = step.subject.as_ref().filter(|subject| names_item(subject)) else {
        return of_attempt(plan, ground, id, step);
    };
    let names = (0..count).map(|index| name(plan, ground, &id.item(index), subject));
    let names = names.collect::<Result<BTreeSet<_>, _>>()?;
    let own = (!names.is_empty()).then(|| About::Several(names.into_iter().collect()));
    Ok(whose(step, flows(ground, id, step), own))
}

fn names_item(subject: &TemplateValue) -> bool {
    let mut names = false;
    subject.each_expression(&mut |expression| names |= expression.uses_item());
    names
}

fn name<G: Ground>(plan: &Plan, ground: &G, id: &StepId, subject: &TemplateValue) -> Result<String, Fault> {
    let name = render::name(plan, ground, id, subject)?;
    if name.trim().is_empty() {
        return Err(Fault::Failed("`subject` names nobody".to_owned()));
    }
    if name.len() > LONGEST_NAME {
        return Err(Fault::Failed(format!("`subject` gives a name of more than {LONGEST_NAME} bytes")));
    }
    Ok(name)
}

/// How the payload of an event is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its class.
    pub class: DataClass,
    /// Whose data it is.
    pub about: Option<About>,
}

impl State {
    /// Everybody whose data the run has met, by name.
    pub fn known(&self) -> &BTreeSet<String> {
        &self.persons
    }

    /// Whose data the inputs are, by name, where whoever began the run said so.
    pub fn inputs_about(&self) -> Option<About> {
        let about = self.queued.as_ref()?.about.as_ref()?;
        Some(about.named(self.persons.clone()))
    }

    /// Whose data the newest attempt of a step is given and prints.
    pub fn about(&self, step: &StepId) -> Option<&About> {
        self.steps.get(step)?.about.as_ref()
    }
}

/// How the payloads of these events are kept, which follow `state` and are not folded into it yet.
// INVARIANT(INV-18): class and person of a payload come from the plan and from what was read, never from a default.
pub fn kept(plan: &Plan, state: &State, events: &[Event]) -> Vec<Kept> {
    let mut begun: BTreeMap<&StepId, Whose> = BTreeMap::new();
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        if let (EventName::StepStarted, Some(step)) = (event.name, &event.step_id) {
            let body = body::<StepStarted>(event);
            let whose = body.map(|body| Whose { inputs: body.about, output: body.output_about });
            begun.insert(step, whose.unwrap_or_default());
        }
        // What came with the end of a sub-plan counts for all that follows in the same breath.
        if let (Some(step), Some(about)) = (&event.step_id, told_at_end(event)) {
            let facts = state.steps.get(step);
            let whose = begun.entry(step).or_insert_with(|| Whose {
                inputs: facts.and_then(|facts| facts.about.clone()),
                output: facts.and_then(|facts| facts.about_output.clone()),
            });
            if event.name == EventName::StepFailed {
                whose.inputs = Some(about);
            } else {
                whose.output = Some(about);
            }
        }
        all.push(of_event(plan, state, &begun, event));
    }
    all
}

/// Whom the end of a step, or of a run, says that it is about.
fn told_at_end(event: &Event) -> Option<About> {
    let says = matches!(
        event.name,
        EventName::StepCompleted | EventName::StepFailed | EventName::RunCompleted | EventName::RunFailed
    );
    says.then(|| About::deserialize(event.payload.get("about")?).ok()).flatten()
}

fn of_event(plan: &Plan, state: &State, begun: &BTreeMap<&StepId, Whose>, event: &Event) -> Kept {
    let inputs = |step: &StepId| match begun.get(step) {
        Some(whose) => whose.inputs.as_ref(),
        None => state.about(step),
    };
    let output = |step: &StepId| match begun.get(step) {
        Some(whose) => whose.output.as_ref(),
        None => state.steps.get(step)?.about_output.as_ref(),
    };
    let Some(step) = &event.step_id else {
        let about = match event.name {
            EventName::RunCompleted => told_at_end(event).or_else(|| {
                let given = given_to_outputs(plan, state.queued.as_ref());
                join(render::names_of_outputs(plan).iter().map(output).chain([given]))
            }),
            EventName::RunFailed => told_at_end(event).or_else(|| {
                let failed = body::<RunFailed>(event).and_then(|body| body.failed_step_id);
                failed.and_then(|step| inputs(&step).cloned())
            }),
            EventName::SignalReceived => of_signal(plan, body::<SignalReceived>(event).as_ref(), &output),
            EventName::RunQueued => of_inputs(plan, event),
            EventName::RunStarted
            | EventName::RunPaused
            | EventName::RunResumed
            | EventName::RunFailing
            | EventName::RunCancelRequested
            | EventName::RunCancelled
            | EventName::StepStarted
            | EventName::StepRedispatched
            | EventName::StepCompleted
            | EventName::StepFailed
            | EventName::StepSkipped
            | EventName::StepReused
            | EventName::StepRetryRequested
            | EventName::StepVoted => None,
        };
        return Kept { class: plan.data_class, about };
    };
    let classes = plan.classes(step);
    match event.name {
        EventName::StepCompleted => Kept { class: classes.output, about: output(step).cloned() },
        // What was taken over from another run is about whom that run knew.
        EventName::StepReused => {
            let is_about =
                !state.persons.is_empty() || plan.steps.values().any(|step| step.subject.is_some());
            Kept { class: classes.output, about: is_about.then(|| About::Several(Vec::new())) }
        }
        // It may bring back what the step reads.
        EventName::StepRetryRequested => {
            let read = plan.steps.get(step.step()).map(|step| step.reads.iter().map(output));
            let about = join(read.into_iter().flatten().chain([inputs(step)]));
            Kept { class: classes.input, about }
        }
        EventName::StepStarted | EventName::StepFailed => {
            Kept { class: classes.input, about: inputs(step).cloned() }
        }
        // The others say nothing that anybody wrote.
        EventName::RunQueued
        | EventName::RunStarted
        | EventName::RunPaused
        | EventName::RunResumed
        | EventName::RunFailing
        | EventName::RunFailed
        | EventName::RunCompleted
        | EventName::RunCancelRequested
        | EventName::RunCancelled
        | EventName::SignalReceived
        | EventName::StepRedispatched
        | EventName::StepSkipped
        | EventName::StepVoted => Kept { class: classes.input, about: None },
    }
}

/// The inputs of a run are about whom steps name out of them, and about whom it was told with them.
fn of_inputs(plan: &Plan, event: &Event) -> Option<About> {
    let told = body::<RunQueued>(event);
    let about = told.as_ref().and_then(|told| told.about.clone());
    let known = told.map(|told| told.known.into_iter().collect()).filter(|known: &Vec<_>| !known.is_empty());
    let named = named_by_inputs(plan, event);
    join([named.as_ref(), about.as_ref(), known.map(About::Several).as_ref()].into_iter())
}

fn named_by_inputs(plan: &Plan, event: &Event) -> Option<About> {
    let naming: Vec<&Step> = plan.steps.values().filter(|step| names_by_inputs(step)).collect();
    if naming.is_empty() {
        return None;
    }
    let mut state = State::default();
    // What the fold refuses is refused before it is kept.
    drop(evolve::apply(plan, &mut state, event));
    let mut one = |step: &Step| -> Result<Option<About>, Fault> {
        let Some(foreach) = &step.foreach else {
            return Ok(of_attempt(plan, &state, &step.id, step)?.output);
        };
        let items = render::items(plan, &state, &step.id, foreach)?;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        state.set_inputs(&step.id, Some(json!({ "items": items })));
        Ok(of_items(plan, &state, &step.id, step, count)?.output)
    };
    // Where an expression gives no value the step fails, and nobody is known by it.
    let all: Vec<Option<About>> = naming.into_iter().map(|step| one(step).ok().flatten()).collect();
    join(all.iter().map(Option::as_ref))
}

/// Whether a step's subject comes out of the inputs alone.
fn names_by_inputs(step: &Step) -> bool {
    let Some(subject) = &step.subject else { return false };
    let (mut reads_inputs, mut reads_steps) = (false, false);
    let mut visit = |expression: &Expression| {
        reads_inputs |= expression.source().contains("inputs");
        reads_steps |= !expression.steps().is_empty();
    };
    subject.each_expression(&mut visit);
    if let (true, Some(foreach)) = (names_item(subject), &step.foreach) {
        foreach.each_expression(&mut visit);
    }
    reads_inputs && !reads_steps
}

/// A signal may come before the step that waits for it: then nobody can say yet whose data it brings.
fn of_signal<'s>(
    plan: &Plan,
    signal: Option<&SignalReceived>,
    output: &dyn Fn(&StepId) -> Option<&'s About>,
) -> Option<About> {
    let name = &signal?.name;
    let waits = |step: &&Step| matches!(&step.form, Form::Signal(signal) if signal.name == *name);
    let waiting = plan.steps.values().filter(waits);
    waiting.fold(None, |sum, step| {
        let early = step.subject.is_some().then(|| About::Several(Vec::new()));
        let one = output(&step.id).cloned().or(early);
        match (sum, one) {
            (Some(sum), Some(one)) => Some(About::with(sum, Some(&one))),
            (sum, one) => sum.or(one),
        }
    })
}

fn body<B: DeserializeOwned>(event: &Event) -> Option<B> {
    B::deserialize(&event.payload).ok()
}
