//! From the spanned tree to a draft of the plan: one file per key or family of keys.
//!
//! Reading never stops at the first fault: each key that cannot be read is reported and left out, so that one lint
//! shows everything. What spans several keys (needs, names in expressions, bounds) is the business of `check`.

pub(crate) mod approval;
pub(crate) mod classes;
pub(crate) mod concurrency;
pub(crate) mod dialect;
pub(crate) mod duration;
pub(crate) mod environment;
pub(crate) mod files;
pub(crate) mod foreach;
pub(crate) mod form;
pub(crate) mod keys;
pub(crate) mod later;
pub(crate) mod one_text;
pub(crate) mod output;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod retry;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod signal;
pub(crate) mod size;
pub(crate) mod step_limits;
pub(crate) mod steps;
pub(crate) mod sub_plan;
pub(crate) mod templates;
pub(crate) mod wait_until;

use crate::Reach;
use crate::diagnostic::collector::Collector;
use crate::expression::check::Shape;
use crate::expression::{Expression, Known};
use crate::input::Schema;
use crate::plan::{
    Concurrency, DataClass, Foreach, Form, Named, OnStepFailure, OutputMode, Part, Permissions, Retry,
    Secret, StepLimits, Tier,
};
use crate::read::tree::{Node, Place};
use crate::template::{Template, TemplateValue};
use dvt_model::id::{PlanName, StepId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a document came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A person wrote it: durations carry their unit.
    Written,
    /// It was stored in its canonical form: durations are integers of milliseconds, `filesDigest` may stand.
    Canonical,
}

/// Reads keys and reports.
#[derive(Debug)]
pub(crate) struct Reader<'c, 't> {
    /// Where reports go.
    pub(crate) sink: &'c mut Collector<'t>,
    /// How the document came here.
    pub(crate) mode: Mode,
    /// Whether words that this release does not run are accepted.
    pub(crate) reach: Reach,
    /// Expressions met so far.
    pub(crate) expressions: Vec<Occurrence>,
    /// Those that were parsed.
    pub(crate) known: Known,
    /// Patterns compiled so far, for their budget.
    pub(crate) patterns: usize,
    /// Schema nodes read so far, for their budget.
    pub(crate) schemas: usize,
}

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Occurrence {
    /// The expression.
    pub(crate) expression: Expression,
    /// The scalar that holds it.
    pub(crate) place: Place,
    /// Which `${{` of that scalar opens it; `usize::MAX` where the scalar is the expression.
    pub(crate) nth: usize,
    /// What it is part of.
    pub(crate) owner: Owner,
    /// What its value is used for.
    pub(crate) role: Role,
}

/// Whose expression it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A step, by its index in the draft.
    Step(usize),
    /// The lists of a step's `foreach`, which do not see its items.
    Lists(usize),
    /// What undoes a step; it sees the step's own output.
    Compensation(usize),
    /// What is evaluated before the run starts, and sees no step.
    Start,
    /// The plan's outputs.
    PlanOutputs,
}

/// What the value of an expression is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is a value and keeps its type.
    Whole,
    /// It becomes part of a string.
    InText,
    /// It decides whether a step runs.
    Condition,
    /// It is a list of items.
    Items,
    /// It is the moment until which a timer waits.
    Moment,
    /// It names one person.
    Person,
}

/// A plan in which every key was read by itself.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) name: Option<PlanName>,
    pub(crate) title: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) inputs: BTreeMap<String, crate::input::Input>,
    pub(crate) input_places: BTreeMap<String, Place>,
    pub(crate) vars: BTreeMap<String, Value>,
    pub(crate) files: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) permissions: Permissions,
    pub(crate) data_class: DataClass,
    pub(crate) on_step_failure: OnStepFailure,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) scratch_bytes: Option<u64>,
    pub(crate) max_duration_ms: Option<u64>,
    pub(crate) max_parallel: Option<u32>,
    pub(crate) steps: StepDrafts,
    pub(crate) outputs: BTreeMap<String, TemplateValue>,
}

impl Draft {
    /// Everything that is done: steps and what undoes them.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &StepDraft> {
        self.steps.iter().flat_map(|step| std::iter::once(&**step).chain(step.compensate.as_deref()))
    }
}

/// Drafts of steps: half a kilobyte each, and there may be fifty thousand. Each lies by itself, so that its memory serves again when it has
/// become a step.
pub(crate) type StepDrafts = Vec<Box<StepDraft>>;

/// A step in which every key was read by itself. Where its id or form could not be read there is a report, and the
/// other checks go on with what is there.
#[derive(Debug, Default)]
pub(crate) struct StepDraft {
    /// Its id as written.
    pub(crate) id: Arc<str>,
    /// Where its id stands.
    pub(crate) place: Place,
    pub(crate) part: Part,
    pub(crate) title: Option<Template>,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) form: Option<Form>,
    /// Where the value of its form stands.
    pub(crate) form_place: Place,
    pub(crate) foreach: Option<Box<Foreach>>,
    pub(crate) foreach_place: Option<Place>,
    /// Named needs with their places.
    pub(crate) needs: Vec<(StepId, Place)>,
    pub(crate) condition: Option<Expression>,
    pub(crate) with: Option<TemplateValue>,
    pub(crate) env: Named<TemplateValue>,
    /// With the places of their references.
    pub(crate) secrets: BTreeMap<String, (Secret, Place)>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) retry: Option<Retry>,
    pub(crate) output: OutputMode,
    pub(crate) output_schema: Option<Box<Schema>>,
    pub(crate) continue_on_error: bool,
    pub(crate) compensate: Option<Box<StepDraft>>,
    pub(crate) tier: Option<Tier>,
    pub(crate) limits: StepLimits,
    pub(crate) scratch: Option<bool>,
    pub(crate) data_class: Option<(DataClass, Place)>,
    pub(crate) subject: Option<TemplateValue>,
    pub(crate) declassify: Option<String>,
    /// What the sub-plan's outputs look like, where it was found.
    pub(crate) child_outputs: Option<BTreeMap<String, Shape>>,
    /// Where the arguments of `run` stand, in their order.
    pub(crate) argument_places: Vec<Place>,
}

/// Reads the whole document.
pub(crate) fn read(
    root: &Node<'_>,
    mode: Mode,
    reach: Reach,
    sink: &mut Collector<'_>,
) -> (Draft, Vec<Occurrence>) {
    let (expressions, known) = (Vec::new(), Known::default());
    let mut reader = Reader { sink, mode, reach, expressions, known, patterns: 0, schemas: 0 };
    let draft = plan::read(&mut reader, root);
    (draft, reader.expressions)
}
