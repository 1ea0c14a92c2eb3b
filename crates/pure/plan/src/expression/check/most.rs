//! How many items a list can have at most, as far as the text of an expression tells.
//!
//! It follows names to what is declared, and knows what keeps or adds up lists; everything else it does not know.

use crate::expression::Expression;
use crate::expression::ast::{self, AccessKind, Kind, Macro, Node, Operator};
use crate::expression::value::Value;

/// Answers how many items a list at a path of names can have at most; where the second is true, macros repeat over it, and it
/// may be a map as well: they repeat over its keys.
pub type Declared<'d> = dyn Fn(&[&str], bool) -> Option<u64> + 'd;

/// The most items of the list that an expression gives; `declared` answers for a path of names such as
/// `["inputs", "regions"]`.
pub fn most(expression: &Expression, declared: &Declared<'_>) -> Option<u64> {
    of(&expression.0.root, false, declared)
}

/// `repeats` says whether macros repeat over the value, which then may be a map. The depth is that of the brackets, which
/// parsing bounds.
fn of(node: &Node, repeats: bool, declared: &Declared<'_>) -> Option<u64> {
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
            // The first of the macros meets a map or a list, the others the list that it gave.
            let repeats = repeats || kept > 0;
            if path.is_empty() {
                return of(base, repeats, declared);
            }
            let Kind::Name { name, .. } = &base.kind else { return None };
            let mut names = vec![name.as_str()];
            for access in path {
                names.push(ast::literal_key(access)?);
            }
            declared(&names, repeats)
        }
        // Two lists, or nothing that anything repeats over.
        Kind::Chain { first, rest } if rest.iter().all(|(operator, _)| *operator == Operator::Add) => {
            rest.iter().try_fold(of(first, repeats, declared)?, |sum, (_, operand)| {
                Some(sum.saturating_add(of(operand, repeats, declared)?))
            })
        }
        Kind::Conditional { arms, otherwise } => {
            arms.iter().try_fold(of(otherwise, repeats, declared)?, |most, (_, value)| {
                Some(most.max(of(value, repeats, declared)?))
            })
        }
        _ => None,
    }
}
