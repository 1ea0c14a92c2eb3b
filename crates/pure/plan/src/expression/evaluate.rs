//! The evaluator: a walk over the tree that takes from the budget at every node.
//!
//! `&&` and `||` are CEL's: one side that decides the answer absorbs a failure of the other, whichever comes first. Being
//! over budget is never absorbed.

use super::ast::{Kind, Node, Operator};
use super::budget::Budget;
use super::functions::{self, pattern::Patterns};
use super::value::{Key, Value};
use super::{Bindings, Fault, operators};
use std::collections::BTreeMap;

/// One evaluation.
pub(super) struct Evaluator<'a> {
    pub(super) bindings: &'a Bindings,
    /// Variables of the macros around, innermost last.
    pub(super) variables: Vec<(&'a str, Value)>,
    pub(super) budget: Budget,
    pub(super) patterns: Patterns,
    /// Bound JSON that was read already, by its address: a macro's body reads it once.
    pub(super) converted: BTreeMap<usize, Value>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(bindings: &'a Bindings) -> Self {
        Self {
            bindings,
            variables: Vec::new(),
            budget: Budget::new(),
            patterns: Patterns::default(),
            converted: BTreeMap::new(),
        }
    }

    /// The value of a node. Kept small: its frame is what nesting multiplies.
    pub(super) fn node(&mut self, node: &'a Node) -> Result<Value, Fault> {
        self.budget.spend(1)?;
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name { .. } => self.path(node, &[]),
            Kind::Path { base, steps } => self.path(base, steps),
            Kind::Has(path) => self.has(path),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Call { name, arguments } => self.call(name, arguments),
            Kind::Not(times, inner) => self.not(*times, inner),
            Kind::Negate(times, inner) => self.negate(*times, inner),
            Kind::And(operands) => self.logic(operands, false),
            Kind::Or(operands) => self.logic(operands, true),
            Kind::Chain { first, rest } => self.chain(first, rest),
            Kind::Conditional { arms, otherwise } => self.conditional(arms, otherwise),
        }
    }

    /// The values of several nodes in order.
    pub(super) fn nodes(&mut self, nodes: &'a [Node]) -> Result<Vec<Value>, Fault> {
        // A loop: the frames of iterators would stand between one bracket and the next.
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            values.push(self.node(node)?);
        }
        Ok(values)
    }

    #[inline(never)]
    fn list(&mut self, items: &'a [Node]) -> Result<Value, Fault> {
        self.budget.build_items(items.len())?;
        Value::list(self.nodes(items)?)
    }

    #[inline(never)]
    fn map(&mut self, entries: &'a [(Node, Node)]) -> Result<Value, Fault> {
        self.budget.build_items(entries.len() * 2)?;
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let key = self.node(key)?;
            let key = match Key::of(&key) {
                Some(found) if !matches!(key, Value::Double(_)) => found,
                _ => return Err(Fault::Failed(format!("{} cannot be the key of a map", key.kind()))),
            };
            let value = self.node(value)?;
            if map.insert(key, value).is_some() {
                return Err(Fault::Failed("a key of the map is repeated".to_owned()));
            }
        }
        Value::map(map)
    }

    #[inline(never)]
    fn call(&mut self, name: &'a str, arguments: &'a [Node]) -> Result<Value, Fault> {
        let arguments = self.nodes(arguments)?;
        match (name, arguments.as_slice()) {
            ("always", []) => Ok(Value::Bool(true)),
            ("success", []) => Ok(Value::Bool(self.bindings.success)),
            ("failure", []) => Ok(Value::Bool(self.bindings.failure)),
            _ => functions::global_call(name, &arguments, &mut self.budget, &mut self.patterns),
        }
    }

    #[inline(never)]
    fn not(&mut self, times: usize, inner: &'a Node) -> Result<Value, Fault> {
        match self.node(inner)? {
            Value::Bool(value) => Ok(Value::Bool(value != (times % 2 == 1))),
            other => Err(Fault::Failed(format!("`!` does not work on {}", other.kind()))),
        }
    }

    #[inline(never)]
    fn negate(&mut self, times: usize, inner: &'a Node) -> Result<Value, Fault> {
        let mut value = self.node(inner)?;
        // An even run is done twice, not skipped: the smallest int has no opposite on the way.
        for _ in 0..2 - times % 2 {
            value = operators::negate(&value)?;
        }
        Ok(value)
    }

    /// `||` with `deciding` true, `&&` with false.
    #[inline(never)]
    fn logic(&mut self, operands: &'a [Node], deciding: bool) -> Result<Value, Fault> {
        let mut failure = None;
        for operand in operands {
            match self.node(operand) {
                Ok(Value::Bool(value)) if value == deciding => return Ok(Value::Bool(deciding)),
                Ok(Value::Bool(_)) => {}
                Ok(other) => {
                    let symbol = if deciding { "||" } else { "&&" };
                    let message = format!("`{symbol}` does not work on {}", other.kind());
                    failure.get_or_insert(Fault::Failed(message));
                }
                Err(over @ Fault::OverBudget(_)) => return Err(over),
                Err(failed) => {
                    failure.get_or_insert(failed);
                }
            }
        }
        failure.map_or(Ok(Value::Bool(!deciding)), Err)
    }

    #[inline(never)]
    fn chain(&mut self, first: &'a Node, rest: &'a [(Operator, Node)]) -> Result<Value, Fault> {
        let mut left = self.node(first)?;
        for (operator, right) in rest {
            let right = self.node(right)?;
            left = operators::apply(*operator, &left, &right, &mut self.budget)?;
        }
        Ok(left)
    }

    #[inline(never)]
    fn conditional(&mut self, arms: &'a [(Node, Node)], otherwise: &'a Node) -> Result<Value, Fault> {
        for (condition, value) in arms {
            match self.node(condition)? {
                Value::Bool(true) => return self.node(value),
                Value::Bool(false) => {}
                other => {
                    return Err(Fault::Failed(format!(
                        "the condition before `?` is {}, not bool",
                        other.kind()
                    )));
                }
            }
        }
        self.node(otherwise)
    }
}
