//! From the spanned tree to a draft of the plan: one file per key or family of keys.
//!
//! Reading never stops at the first fault: each key that cannot be read is reported and left out, so that one lint
//! shows everything. What spans several keys (needs, names in expressions, bounds) is the business of `check`.

pub(crate) mod dialect;
pub(crate) mod duration;
pub(crate) mod environment;
pub(crate) mod files;
pub(crate) mod form;
pub(crate) mod keys;
pub(crate) mod later;
pub(crate) mod output;
pub(crate) mod permissions;
pub(crate) mod plan;
pub(crate) mod retry;
pub(crate) mod schema;
pub(crate) mod steps;
pub(crate) mod templates;

use crate::diagnostic::collector::Collector;
use crate::expression::Expression;
use crate::plan::{Form, OutputMode, Retry};
use crate::read::tree::{Node, Place};
use crate::template::{Template, TemplateValue};
use dvt_model::id::{PlanName, StepId};
use serde_json::Value;
use std::collections::BTreeMap;

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
    /// Expressions met so far.
    pub(crate) expressions: Vec<Occurrence>,
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
    pub(crate) max_duration_ms: Option<u64>,
    pub(crate) max_parallel: Option<u32>,
    pub(crate) steps: Vec<StepDraft>,
    pub(crate) outputs: BTreeMap<String, TemplateValue>,
}

/// A step in which every key was read by itself. Where its id or form could not be read there is a report, and the
/// other checks go on with what is there.
#[derive(Debug)]
pub(crate) struct StepDraft {
    /// Its id as written.
    pub(crate) id: String,
    /// Where its id stands.
    pub(crate) place: Place,
    pub(crate) title: Option<Template>,
    pub(crate) form: Option<Form>,
    /// Named needs with their places.
    pub(crate) needs: Vec<(StepId, Place)>,
    pub(crate) condition: Option<Expression>,
    pub(crate) with: Option<TemplateValue>,
    pub(crate) env: BTreeMap<String, TemplateValue>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) retry: Option<Retry>,
    pub(crate) output: OutputMode,
    pub(crate) continue_on_error: bool,
    /// Literal arguments with their places, for the checks of arguments.
    pub(crate) arguments: Vec<(Template, Place)>,
}

/// Reads the whole document.
pub(crate) fn read(root: &Node, mode: Mode, sink: &mut Collector<'_>) -> (Draft, Vec<Occurrence>) {
    let mut reader = Reader { sink, mode, expressions: Vec::new(), patterns: 0, schemas: 0 };
    let draft = plan::read(&mut reader, root);
    (draft, reader.expressions)
}
