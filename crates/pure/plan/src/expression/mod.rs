//! Expressions: the CEL grammar, our own total evaluator on ordered values, one budget for steps and bytes.
//!
//! An expression sees its bindings and nothing else: no clock, no randomness, no environment, no secret. Evaluation
//! always ends, in a value or in a [`Fault`]; being over budget is final, no `||` absorbs it. Two things are wider than
//! CEL: an int meets a double in arithmetic (JSON prints 1.0 as 1, so the type of a number must not depend on its
//! value), and `has()` on null is false. See `docs/adr/0002-own-expression-parser.md`.

mod ast;
mod begin;
mod budget;
pub mod check;
mod evaluate;
mod functions;
mod guard;
mod json;
mod lex;
mod literal;
mod macros;
mod operators;
mod parse;
mod path;
pub mod value;

use dvt_model::id::StepId;
use serde_json::Value;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use begin::Begins;
pub(crate) use functions::pattern::as_re2;
pub use guard::{MAX_LENGTH, MAX_NESTING};

/// A parsed expression. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Expression(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    source: String,
    steps: BTreeSet<StepId>,
    inputs: BTreeSet<String>,
    status: StatusFunctions,
    uses_item: bool,
    has_unknown: bool,
    implies_success: bool,
    root: ast::Node,
}

impl Expression {
    /// The text as written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The steps that it names.
    pub fn steps(&self) -> &BTreeSet<StepId> {
        &self.0.steps
    }

    /// The inputs that it names.
    pub fn inputs(&self) -> &BTreeSet<String> {
        &self.0.inputs
    }

    /// Whether as an `if` it means `success() && (…)`: without a status function, and also where it says just that itself. A text
    /// that says what another one means is no other condition.
    pub fn implies_success(&self) -> bool {
        self.0.implies_success
    }

    /// Whether it calls `always()`, `success()` or `failure()`.
    pub fn uses_status_function(&self) -> bool {
        self.0.status != StatusFunctions::default()
    }

    /// Which of them it calls.
    pub fn status_functions(&self) -> StatusFunctions {
        self.0.status
    }

    /// Whether it names `item` or `index` (then a `foreach` step asks it per item).
    pub fn uses_item(&self) -> bool {
        self.0.uses_item
    }

    /// Whether it names something that no expression of any plan knows.
    pub(crate) fn has_unknown(&self) -> bool {
        self.0.has_unknown
    }
}

/// The status functions that an expression calls anywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusFunctions {
    /// `always()`
    pub always: bool,
    /// `success()`
    pub success: bool,
    /// `failure()`
    pub failure: bool,
}

/// What an expression can see. Build it with only the steps that the expression names.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    /// Top-level names: `inputs`, `vars`, `steps`, `run`, `tenant`, `plan`, `item`, `index`.
    pub names: BTreeMap<String, Value>,
    /// What `success()` answers.
    pub success: bool,
    /// What `failure()` answers.
    pub failure: bool,
}

/// Why an evaluation gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Over budget: `EXPRESSION_OVER_BUDGET`.
    #[error("the expression used up its budget of {0}")]
    OverBudget(&'static str),
    /// Wrong types, no such key, division by zero, …: `EXPRESSION_FAILED`.
    #[error("{0}")]
    Failed(String),
}

/// Parses without checking names (the checker in [`check`] knows them); the error has a byte range within `source`.
// INVARIANT(INV-21): length and nesting are judged before the parser, which recurses only where brackets nest.
pub fn parse(source: &str) -> Result<Expression, SyntaxError> {
    guard::length(source)?;
    let tokens = lex::tokens(source)?;
    guard::nesting(&tokens)?;
    let root = parse::parse(&tokens, source.len())?;
    let ast::Facts { steps, inputs, status, uses_item, has_unknown } = ast::facts(&root);
    let says_it = !status.always && !status.failure && ast::asks_for_success(&root);
    let implies_success = status == StatusFunctions::default() || says_it;
    let source = source.to_owned();
    let parsed = Parsed { source, steps, inputs, status, uses_item, has_unknown, implies_success, root };
    Ok(Expression(Arc::new(parsed)))
}

/// Expressions that were parsed: a plan says the same one many times, and they share one tree.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeSet<ByText>);

/// Different texts that are known at once; of a plan that says each once, looking for them would only cost.
const MOST_KNOWN: usize = 128;

impl Known {
    /// As [`parse`].
    pub(crate) fn parse(&mut self, source: &str) -> Result<Expression, SyntaxError> {
        if let Some(ByText(known)) = self.0.get(source) {
            return Ok(known.clone());
        }
        let parsed = parse(source)?;
        if self.0.len() < MOST_KNOWN {
            self.0.insert(ByText(parsed.clone()));
        }
        Ok(parsed)
    }
}

/// An expression in the order of its text.
#[derive(Debug)]
struct ByText(Expression);

impl Borrow<str> for ByText {
    fn borrow(&self) -> &str {
        self.0.source()
    }
}

impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.0.source() == other.0.source()
    }
}

impl Eq for ByText {}

impl PartialOrd for ByText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.source().cmp(other.0.source())
    }
}

/// A text that is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Where, as byte offsets.
    pub range: std::ops::Range<usize>,
}

impl SyntaxError {
    fn new(message: impl Into<String>, range: std::ops::Range<usize>) -> Self {
        Self { message: message.into(), range }
    }
}

/// Evaluates under the standard budget: 100,000 steps, 1 MiB of result. The result is canonical.
pub fn evaluate(expression: &Expression, bindings: &Bindings) -> Result<Value, Fault> {
    let mut evaluator = evaluate::Evaluator::new(bindings);
    let value = evaluator.node(&expression.0.root)?;
    json::to_json(&value, &mut evaluator.budget)
}

/// The typed value before it becomes JSON, under the same budget; it tells `1` from `1.0`.
pub fn evaluate_typed(expression: &Expression, bindings: &Bindings) -> Result<value::Value, Fault> {
    evaluate::Evaluator::new(bindings).node(&expression.0.root)
}
