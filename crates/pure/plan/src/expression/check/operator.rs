//! Operators: kinds that can meet. A comparison that can never hold is reported too, for nobody means it.

use super::{Checker, Shape};
use crate::expression::ast::{Node, Operator};

impl<'a> Checker<'a> {
    /// Operators of one precedence, from left to right.
    pub(super) fn chain(&mut self, first: &'a Node, rest: &'a [(Operator, Node)]) -> Shape {
        let mut left = self.node(first);
        for (operator, node) in rest {
            let right = self.node(node);
            let made = meet(*operator, &left, &right);
            left = match made {
                Some(shape) => shape,
                None => {
                    let range = first.range.start..node.range.end;
                    let message = match operator {
                        Operator::Equal | Operator::NotEqual => {
                            format!("{left} and {right} are never equal")
                        }
                        _ => format!("`{}` does not work on {left} and {right}", operator.symbol()),
                    };
                    self.wrong(&range, message);
                    Shape::Any
                }
            };
        }
        left
    }
}

/// The shape of the result, or none where the two cannot meet.
fn meet(operator: Operator, left: &Shape, right: &Shape) -> Option<Shape> {
    let unknown = *left == Shape::Any || *right == Shape::Any;
    match operator {
        Operator::Equal | Operator::NotEqual => left.may_equal(right).then_some(Shape::Bool),
        Operator::In => match right {
            Shape::List(items) => left.may_equal(items).then_some(Shape::Bool),
            Shape::Object { .. } | Shape::Any => Some(Shape::Bool),
            _ => None,
        },
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
            let fits = (left.is_number() && right.is_number())
                || (left == right && matches!(left, Shape::String | Shape::Bool));
            (unknown || fits).then_some(Shape::Bool)
        }
        Operator::Add => match (left, right) {
            (Shape::String, Shape::String) => Some(Shape::String),
            (Shape::List(one), Shape::List(other)) => {
                Some(Shape::list((**one).clone().or((**other).clone())))
            }
            (Shape::Any, other) | (other, Shape::Any) => {
                let addable =
                    matches!(other, Shape::Any | Shape::String | Shape::Int | Shape::Number | Shape::List(_));
                addable.then_some(Shape::Any)
            }
            _ => arithmetic(left, right),
        },
        Operator::Subtract | Operator::Multiply | Operator::Divide => match (left, right) {
            (Shape::Any, other) | (other, Shape::Any) => {
                (*other == Shape::Any || other.is_number()).then_some(Shape::Any)
            }
            _ => arithmetic(left, right),
        },
        Operator::Remainder => {
            let whole = |shape: &Shape| matches!(shape, Shape::Any | Shape::Int | Shape::Number);
            (whole(left) && whole(right)).then_some(Shape::Int)
        }
    }
}

fn arithmetic(left: &Shape, right: &Shape) -> Option<Shape> {
    match (left, right) {
        (Shape::Int, Shape::Int) => Some(Shape::Int),
        _ => (left.is_number() && right.is_number()).then_some(Shape::Number),
    }
}
