//! How many items a list can have at most, as far as the text of an expression tells.
//!
//! It follows names to what is declared, and knows what keeps or adds up lists; everything else it does not know.

use crate::expression::Expression;
use crate::expression::ast::{self, AccessKind, Kind, Macro, Node, Operator};
use crate::expression::value::Value;

/// The most items of the list that an expression gives; `declared` answers for a path of names such as
/// `["inputs", "regions"]`.
pub fn most(expression: &Expression, declared: &dyn Fn(&[&str]) -> Option<u64>) -> Option<u64> {
    of(&expression.0.root, declared)
}

/// The depth is that of the brackets, which parsing bounds.
fn of(node: &Node, declared: &dyn Fn(&[&str]) -> Option<u64>) -> Option<u64> {
    match &node.kind {
        Kind::List(items) => Some(items.len() as u64),
        Kind::Literal(Value::List(list)) => Some(list.items().len() as u64),
        Kind::Path { base, steps } => {
            // `filter` and `map` give at most one item for each, however many of them follow each other.
            let keeps = |access: &&ast::Access| {
                matches!(access.kind, AccessKind::Macro { name: Macro::Filter | Macro::Map, .. })
            };
            let kept = steps.iter().rev().take_while(keeps).count();
            let path = steps.get(..steps.len() - kept).unwrap_or_default();
            if path.is_empty() {
                return of(base, declared);
            }
            let Kind::Name { name, .. } = &base.kind else { return None };
            let mut names = vec![name.as_str()];
            for access in path {
                names.push(ast::literal_key(access)?);
            }
            declared(&names)
        }
        Kind::Chain { first, rest } if rest.iter().all(|(operator, _)| *operator == Operator::Add) => {
            rest.iter().try_fold(of(first, declared)?, |sum, (_, operand)| {
                Some(sum.saturating_add(of(operand, declared)?))
            })
        }
        Kind::Conditional { arms, otherwise } => arms
            .iter()
            .try_fold(of(otherwise, declared)?, |most, (_, value)| Some(most.max(of(value, declared)?))),
        _ => None,
    }
}
