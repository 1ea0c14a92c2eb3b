//! One compiled step. A `finally` step and a compensation are steps too, and say what they are.

use super::{Foreach, Form, Named, OutputMode, Retry, StepIds};
use crate::expression::Expression;
use crate::input::Schema;
use crate::template::{Template, TemplateValue};
use dvt_model::digest::Digest;
use dvt_model::id::StepId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id; a compensation has the id of the step that it undoes.
    pub id: StepId,
    /// Where it belongs.
    pub part: Part,
    /// For people.
    pub title: Option<Template>,
    /// For people.
    pub description: Option<String>,
    /// For selection.
    pub tags: Vec<String>,
    /// What it does.
    pub form: Form,
    /// Named needs and those that expressions imply. Of a `finally` step: among the `finally` steps.
    pub needs: StepIds,
    /// Steps whose output, status or attempt its expressions name (for an approval: all that it needs, for it shows
    /// them). A `finally` step also reads ordinary steps, a compensation also the step that it undoes.
    pub reads: StepIds,
    /// `if`. Asked once for each item where it names `item`, see [`Expression::uses_item`].
    pub condition: Option<Expression>,
    /// `foreach`.
    pub foreach: Option<Box<Foreach>>,
    /// `with`: standard input of a program, inputs of a sub-plan, or what a plugin is given.
    pub with: Option<TemplateValue>,
    /// Environment.
    pub env: Named<TemplateValue>,
    /// Secrets by the name under which the step meets them.
    pub secrets: BTreeMap<String, Secret>,
    /// The longest time of one attempt (for `wait` and `waitUntil`: None, their own time).
    pub timeout_ms: Option<u64>,
    /// Retry policy.
    pub retry: Retry,
    /// How the output is taken.
    pub output: OutputMode,
    /// `outputs`: what the output must be, checked when the step completes.
    pub output_schema: Option<Box<Schema>>,
    /// A failure does not fail the run.
    pub continue_on_error: bool,
    /// What undoes it.
    pub compensate: Option<Box<Step>>,
    /// The weakest tier that it accepts.
    pub tier: Option<Tier>,
    /// What it may use.
    pub limits: StepLimits,
    /// Whether it sees the folder that the steps of a run share; without a word: where the plan has one.
    pub scratch: Option<bool>,
    /// The class of its output; without one: the highest of what it reads, and of the plan.
    pub data_class: Option<DataClass>,
    /// Whose personal data its output is.
    pub subject: Option<TemplateValue>,
    /// Why class and subject of what it reads do not flow into its output.
    pub declassify: Option<String>,
    /// SHA-256 of its canonical definition: the step, the plan's `defaults` and `vars`, and the digest of the packed
    /// files. Equal digests mean that the step does the same with the same inputs.
    pub definition: Digest,
}

impl Step {
    /// A step that says nothing but what it does.
    pub fn new(id: StepId, form: Form) -> Self {
        Self {
            id,
            part: Part::Ordinary,
            title: None,
            description: None,
            tags: Vec::new(),
            form,
            needs: StepIds::default(),
            reads: StepIds::default(),
            condition: None,
            foreach: None,
            with: None,
            env: Named::default(),
            secrets: BTreeMap::new(),
            timeout_ms: None,
            retry: Retry::default(),
            output: OutputMode::File,
            output_schema: None,
            continue_on_error: false,
            compensate: None,
            tier: None,
            limits: StepLimits::default(),
            scratch: None,
            data_class: None,
            subject: None,
            declassify: None,
            definition: Digest([0; 32]),
        }
    }

    /// The steps that its own expressions name, and for an approval all that it needs, for it shows them.
    pub(crate) fn names(&self) -> StepIds {
        let mut names = Vec::new();
        self.each_expression(&mut |expression| names.extend(expression.steps().iter().cloned()));
        if matches!(self.form, Form::Approval(_)) {
            names.extend(self.needs.iter().cloned());
        }
        names.into_iter().collect()
    }

    /// Visits every expression of the step; those of its compensation are not among them.
    pub fn each_expression<'s>(&'s self, visit: &mut impl FnMut(&'s Expression)) {
        if let Some(title) = &self.title {
            title.each_expression(visit);
        }
        if let Some(condition) = &self.condition {
            visit(condition);
        }
        if let Some(foreach) = &self.foreach {
            foreach.each_expression(visit);
        }
        let values = self.with.iter().chain(self.env.values()).chain(&self.subject);
        values.for_each(|value| value.each_expression(visit));
        match &self.form {
            Form::Run { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.each_expression(visit))
            }
            Form::WaitUntil { at } => at.each_expression(visit),
            Form::Script { .. }
            | Form::Noop { .. }
            | Form::Uses(_)
            | Form::Wait { .. }
            | Form::Approval(_)
            | Form::Signal(_)
            | Form::Plan(_) => {}
        }
    }
}

/// Where a step belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `steps`
    #[default]
    Ordinary,
    /// `compensate` of an ordinary step.
    Compensation,
    /// `finally`
    Finally,
}

/// A secret that a step is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its reference, `warehouse/dsn` or `warehouse/dsn@7`. Never a value.
    pub reference: String,
    /// How it arrives.
    pub delivery: Delivery,
}

/// How a secret arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// `NAME_FILE` is the path of a private in-memory file.
    File,
    /// `NAME` is the value (behind a wall only).
    Environment,
}

/// What a step may use; `None` is the tenant's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepLimits {
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// Thousandths of a CPU.
    pub cpu_milli: Option<u32>,
    /// Its output.
    pub output_bytes: Option<u64>,
}

/// Walls, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// None: trust by decision.
    Host,
    /// Namespaces, seccomp, limits.
    Contained,
    /// WebAssembly without a host.
    Sealed,
}

/// What payloads carry, the least protected first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataClass {
    /// Nothing special.
    #[default]
    Standard,
    /// Personal data.
    Pii,
    /// Health data.
    Phi,
    /// Of payments and accounts.
    Financial,
}
