//! The static checker: names, functions, arity and obvious type errors, each with its place and the legal choices.
//!
//! It reports only what cannot be right; what it does not know has the shape `Any` and passes. It evaluates nothing.

mod call;
mod most;
mod operator;
mod path;
pub mod shape;

use super::Expression;
use super::ast::{Kind, Node};
use super::value::Value;
pub use most::{Declared, most};
pub use shape::Shape;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What an expression may name at its place in the plan.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The declared inputs.
    pub inputs: BTreeMap<String, Shape>,
    /// The plan's constants.
    pub vars: BTreeMap<String, Shape>,
    /// The steps that may be named, with the shape of their output (`Any` where it is not declared).
    pub steps: BTreeMap<Arc<str>, Shape>,
    /// The shape of `item`, where the step has `foreach`; `index` comes with it.
    pub item: Option<Shape>,
    /// Whether `run.status` is known, as in `finally`.
    pub run_status: bool,
}

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// A name that does not exist here.
    UnknownName,
    /// A function that does not exist.
    UnknownFunction,
    /// A function with another number of arguments.
    WrongArity,
    /// Kinds of values that cannot work together.
    WrongType,
}

/// One thing that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Where, as byte offsets within the source of the expression.
    pub range: Range<usize>,
    /// What may stand there, nearest spelling first.
    pub choices: Vec<String>,
}

/// Everything that cannot be right, in the order of the text.
pub fn check(expression: &Expression, names: &Names) -> Vec<Problem> {
    examine(expression, names).0
}

/// The shape of the result, as far as it is known.
pub fn shape(expression: &Expression, names: &Names) -> Shape {
    examine(expression, names).1
}

/// Both at once.
pub fn examine(expression: &Expression, names: &Names) -> (Vec<Problem>, Shape) {
    let mut checker = Checker {
        source: &expression.0.source,
        names,
        variables: Vec::new(),
        problems: Vec::new(),
        read_until: 0,
    };
    let shape = checker.node(&expression.0.root);
    let mut problems = checker.problems;
    problems.sort_by_key(|problem| (problem.range.start, problem.range.end));
    (problems, shape)
}

/// The walk.
struct Checker<'a> {
    source: &'a str,
    names: &'a Names,
    /// Variables of macros, innermost last.
    variables: Vec<(&'a str, Shape)>,
    problems: Vec<Problem>,
    /// Up to here the text belongs to a step id with a `-`, which was reported as one.
    read_until: usize,
}

impl<'a> Checker<'a> {
    fn report(&mut self, kind: ProblemKind, range: &Range<usize>, message: String, choices: Vec<String>) {
        if range.start >= self.read_until {
            self.problems.push(Problem { kind, message, range: range.clone(), choices });
        }
    }

    fn wrong(&mut self, range: &Range<usize>, message: String) {
        self.report(ProblemKind::WrongType, range, message, Vec::new());
    }

    fn node(&mut self, node: &'a Node) -> Shape {
        match &node.kind {
            Kind::Literal(value) => literal(value),
            Kind::Name { .. } => self.path(node, &[], &node.range),
            Kind::Path { base, steps } => self.path(base, steps, &node.range),
            Kind::Has(inner) => {
                self.has(inner);
                Shape::Bool
            }
            Kind::List(items) => {
                let shapes: Vec<Shape> = items.iter().map(|item| self.node(item)).collect();
                Shape::list(shapes.into_iter().reduce(Shape::or).unwrap_or(Shape::Any))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Call { name, arguments } => self.call(name, arguments, &node.range),
            Kind::Not(_, inner) => {
                self.wants_bool(inner, "`!`");
                Shape::Bool
            }
            Kind::Negate(_, inner) => {
                let shape = self.node(inner);
                if !matches!(shape, Shape::Any | Shape::Int | Shape::Number) {
                    self.wrong(&node.range, format!("`-` does not work on {shape}"));
                    return Shape::Any;
                }
                shape
            }
            Kind::And(operands) => self.logic(operands, "`&&`"),
            Kind::Or(operands) => self.logic(operands, "`||`"),
            Kind::Chain { first, rest } => self.chain(first, rest),
            Kind::Conditional { arms, otherwise } => {
                let mut shapes = Vec::new();
                for (condition, value) in arms {
                    self.wants_bool(condition, "the condition before `?`");
                    shapes.push(self.node(value));
                }
                let last = self.node(otherwise);
                shapes.into_iter().fold(last, Shape::or)
            }
        }
    }

    fn map(&mut self, entries: &'a [(Node, Node)]) -> Shape {
        let mut fields = BTreeMap::new();
        let mut open = false;
        for (key, value) in entries {
            let key_shape = self.node(key);
            if !matches!(key_shape, Shape::Any | Shape::Bool | Shape::Int | Shape::String) {
                self.wrong(&key.range, format!("{key_shape} cannot be the key of a map"));
            }
            let shape = self.node(value);
            match &key.kind {
                Kind::Literal(Value::String(name)) => {
                    fields.insert(name.to_string(), shape);
                }
                _ => open = true,
            }
        }
        Shape::Object { fields, open }
    }

    fn logic(&mut self, operands: &'a [Node], what: &str) -> Shape {
        for operand in operands {
            self.wants_bool(operand, what);
        }
        Shape::Bool
    }

    fn wants_bool(&mut self, node: &'a Node, what: &str) {
        let shape = self.node(node);
        if !matches!(shape, Shape::Any | Shape::Bool) {
            self.wrong(&node.range, format!("{what} wants a bool, this is {shape}"));
        }
    }
}

fn literal(value: &Value) -> Shape {
    match value {
        Value::Null => Shape::Null,
        Value::Bool(_) => Shape::Bool,
        Value::Int(_) => Shape::Int,
        Value::Double(_) => Shape::Number,
        Value::String(_) => Shape::String,
        Value::List(_) | Value::Map(_) => Shape::Any,
    }
}
