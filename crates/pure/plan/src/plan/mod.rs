//! The compiled plan: what the core works on. Immutable; made by the checks alone.

mod classes;
pub(crate) mod edges;
mod few;
mod foreach;
mod form;
pub(crate) mod index;
mod readers;
mod retry;
mod step;
mod steps;

pub use classes::{Classes, Crossing};
pub use few::{Named, StepIds};
pub use foreach::{Foreach, Lists, MOST_ITEMS, NoItems, Source};
pub use form::{Approval, Form, OutputMode, PlanReference, PluginReference, Shell, Signal, SubPlan};
pub use readers::Readers;
pub use retry::{Backoff, Retry, RetryOn};
pub use step::{DataClass, Delivery, Part, Secret, Step, StepLimits, Tier};
pub use steps::Steps;

use crate::template::{Template, TemplateValue};
use dvt_model::id::{PlanName, StepId};
use edges::Edges;
use index::Index;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// The run's longest time where the plan says none.
pub(crate) const DEFAULT_MAX_DURATION_MS: u64 = 24 * 3_600_000;
/// Steps at once where the plan says none.
pub(crate) const DEFAULT_MAX_PARALLEL: u32 = 64;

/// A checked plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: PlanName,
    /// For people.
    pub title: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For selection.
    pub tags: Vec<String>,
    /// A semantic version, where it has one.
    pub version: Option<String>,
    /// Inputs by name; unknown inputs are refused.
    pub inputs: BTreeMap<String, crate::input::Input>,
    /// Constants.
    pub vars: BTreeMap<String, Value>,
    /// Globs of what is packed.
    pub files: Vec<String>,
    /// The ceiling of what its steps may be granted.
    pub permissions: Permissions,
    /// The highest class that its payloads may carry.
    pub data_class: DataClass,
    /// The run's longest time, default 24 h.
    pub max_duration_ms: u64,
    /// Steps at once, default 64.
    pub max_parallel: u32,
    /// What the first step in the failed set does to the run.
    pub on_step_failure: OnStepFailure,
    /// One run of the group at a time.
    pub concurrency: Option<Concurrency>,
    /// Bytes of the folder that the steps of a run share, where it has one.
    pub scratch_bytes: Option<u64>,
    /// Steps by id, those of `finally` among them; [`Step::part`] tells them apart.
    pub steps: Steps,
    /// The `finally` steps, in byte order.
    pub finally: Vec<StepId>,
    /// The plan's outputs.
    pub outputs: BTreeMap<String, TemplateValue>,
    /// See [`Plan::layer`]; by the places of steps.
    pub(crate) layers: Vec<u32>,
    /// See [`Plan::dependants`]; by the places of steps.
    pub(crate) dependants: Edges,
    /// Who reads what a step left behind; a step that nobody reads has no entry, and its output may be forgotten.
    pub readers: BTreeMap<StepId, Readers>,
    /// Steps that name a compensation, in byte order.
    pub compensated: Vec<StepId>,
    /// The classes of each step's payloads; see [`Plan::classes`].
    pub classes: BTreeMap<StepId, Classes>,
}

/// What `permissions` names; what is not named is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Secret references.
    pub secrets: Vec<String>,
    /// `host:port`
    pub egress: Vec<String>,
    /// `name@version`
    pub plugins: Vec<String>,
}

/// What the first step in the failed set does to the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnStepFailure {
    /// The run fails (contract 4.6).
    #[default]
    Fail,
    /// The run waits for an operator (contract 4.8).
    Hold,
}

/// One run of a group at a time (contract 5.7).
#[derive(Debug, Clone)]
pub struct Concurrency {
    /// The group: text that sees inputs and vars.
    pub group: Template,
    /// What a second run meets.
    pub on_busy: OnBusy,
}

/// What a run meets when another one of its group is past PENDING.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnBusy {
    /// It waits.
    #[default]
    Queue,
    /// It is refused.
    Reject,
    /// The other one is cancelled.
    CancelPrevious,
}

/// What follows from the steps of a plan; see its fields.
struct Graph {
    dependants: Edges,
    layers: Vec<u32>,
    finally: Vec<StepId>,
    compensated: Vec<StepId>,
    readers: BTreeMap<StepId, Readers>,
}

impl Plan {
    /// A plan that says nothing but its steps, for whoever makes plans without a document, as tests do. Needs must be
    /// free of cycles and name steps of the plan.
    pub fn new(name: PlanName, steps: Vec<Step>) -> Self {
        Self::unlinked(name, Steps::from(steps.into_iter().map(Box::new).collect::<Vec<_>>())).linked()
    }

    pub(crate) fn unlinked(name: PlanName, steps: Steps) -> Self {
        Self {
            name,
            title: None,
            description: None,
            tags: Vec::new(),
            version: None,
            inputs: BTreeMap::new(),
            vars: BTreeMap::new(),
            files: Vec::new(),
            permissions: Permissions::default(),
            data_class: DataClass::default(),
            max_duration_ms: DEFAULT_MAX_DURATION_MS,
            max_parallel: DEFAULT_MAX_PARALLEL,
            on_step_failure: OnStepFailure::default(),
            concurrency: None,
            scratch_bytes: None,
            steps,
            finally: Vec::new(),
            outputs: BTreeMap::new(),
            layers: Vec::new(),
            dependants: Edges::default(),
            readers: BTreeMap::new(),
            compensated: Vec::new(),
            classes: BTreeMap::new(),
        }
    }

    /// The same plan with what follows from its steps and outputs filled in anew: what steps read, layers, dependants,
    /// readers, classes, and the lists of marked steps.
    #[must_use]
    pub fn linked(mut self) -> Self {
        for step in self.steps.values_mut() {
            step.reads = step.names();
            if let Some(compensation) = &mut step.compensate {
                compensation.reads = compensation.names();
            }
        }
        self.arranged()
    }

    /// The same, of steps that know already what they read.
    #[must_use]
    pub(crate) fn arranged(mut self) -> Self {
        let Graph { dependants, layers, finally, compensated, readers } = self.graph();
        self.dependants = dependants;
        self.layers = layers;
        self.finally = finally;
        self.compensated = compensated;
        self.readers = readers;
        self.classes = classes::of(&self);
        self
    }

    /// The dependency layer of a step: 0 without needs, else one more than its deepest need. `finally` steps count from 0 among
    /// themselves.
    pub fn layer<Q: Ord + ?Sized>(&self, id: &Q) -> u32
    where
        StepId: Borrow<Q>,
    {
        self.steps.place(id).and_then(|place| self.layers.get(place)).copied().unwrap_or(0)
    }

    /// Who needs a step (the reverse of `needs`), in byte order.
    pub fn dependants<Q: Ord + ?Sized>(&self, id: &Q) -> impl Iterator<Item = &StepId> + Clone + use<'_, Q>
    where
        StepId: Borrow<Q>,
    {
        let places = self.steps.place(id).into_iter().flat_map(|place| self.dependants.of(place));
        places.filter_map(|dependant| self.steps.id(dependant))
    }

    /// The classes of what a step (or one of its items, or what undoes it) is given and gives.
    pub fn classes(&self, step: &StepId) -> Classes {
        let own = Classes { input: self.data_class, output: self.data_class };
        self.classes.get(step.step()).copied().unwrap_or(own)
    }

    /// Why a sub-plan may not be run by this step, or by what undoes a step: its class does not fit theirs.
    pub fn crossing(&self, step: &Step, child: &Plan) -> Option<Crossing> {
        classes::crossing(self, step, child)
    }

    /// Who needs each step, and the layers by Kahn's algorithm; steps that wait for each other stay in layer 0. Over the places of
    /// steps, so that each need is looked up once; and what is known of a step alone is noted on the same way past it.
    fn graph(&self) -> Graph {
        let (mut finally, mut compensated) = (Vec::new(), Vec::new());
        let mut readers = BTreeMap::new();
        let count = self.steps.len();
        let places = Index::new(self.steps.keys().map(StepId::as_str));
        let mut pairs = Vec::with_capacity(count);
        let mut layers = vec![0_u32; count];
        let mut waiting = Vec::with_capacity(count);
        for (at, step) in self.steps.values().enumerate() {
            waiting.push(step.needs.len());
            if step.part == Part::Finally {
                finally.push(step.id.clone());
            }
            if step.compensate.is_some() {
                compensated.push(step.id.clone());
            }
            readers::note(step, &mut readers);
            pairs.extend(step.needs.iter().filter_map(|need| edges::pair(places.get(need.as_str())?, at)));
        }
        readers::note_outputs(self, &mut readers);
        drop(places);
        let dependants = Edges::new(count, pairs);
        let mut ready: Vec<usize> =
            waiting.iter().enumerate().filter(|(_, left)| **left == 0).map(|(at, _)| at).collect();
        while let Some(at) = ready.pop() {
            let next = layers.get(at).copied().unwrap_or(0) + 1;
            for dependant in dependants.of(at) {
                if let Some(layer) = layers.get_mut(dependant) {
                    *layer = next.max(*layer);
                }
                if let Some(left) = waiting.get_mut(dependant) {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        ready.push(dependant);
                    }
                }
            }
        }
        Graph { dependants, layers, finally, compensated, readers }
    }

    /// The ordinary steps.
    pub fn ordinary(&self) -> impl Iterator<Item = &Step> {
        self.steps.values().filter(|step| step.part == Part::Ordinary)
    }
}

/// Worst-case bounds, shown before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Steps.
    pub steps: u64,
    /// Attempts of all steps together.
    pub attempts: u64,
    /// The most that can run at once.
    pub parallel: u64,
    /// The longest the run can take.
    pub duration_ms: u64,
    /// The outputs of all steps together.
    #[serde(default)]
    pub output_bytes: u64,
    /// Whether every list that a `foreach` repeats over has a declared maximum. Where one has not, it counts as the most
    /// that any may have, and the plan is admitted in single-tenant mode alone.
    #[serde(default)]
    pub is_bounded: bool,
}
