//! Arithmetic, comparison and membership on two values. Overflow and division by zero are faults, never a wrap.
//!
//! An int and a double meet as doubles in arithmetic, for JSON does not tell 1 from 1.0.

use super::Fault;
use super::ast::Operator;
use super::budget::Budget;
use super::value::{Key, Value, numbers};
use std::cmp::Ordering;

/// Applies an operator.
pub(super) fn apply(
    operator: Operator,
    left: &Value,
    right: &Value,
    budget: &mut Budget,
) -> Result<Value, Fault> {
    match operator {
        Operator::Equal => left.equals(right, budget).map(Value::Bool),
        Operator::NotEqual => left.equals(right, budget).map(|equal| Value::Bool(!equal)),
        Operator::In => contains(left, right, budget).map(Value::Bool),
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
            compare(operator, left, right, budget).map(Value::Bool)
        }
        Operator::Add => add(left, right, budget),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            calculate(operator, left, right)
        }
    }
}

/// `-value`
pub(super) fn negate(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Double(value) => Ok(Value::Double(-value)),
        other => Err(Fault::Failed(format!("`-` does not work on {}", other.kind()))),
    }
}

fn mismatch(operator: Operator, left: &Value, right: &Value) -> Fault {
    Fault::Failed(format!("`{}` does not work on {} and {}", operator.symbol(), left.kind(), right.kind()))
}

fn overflow() -> Fault {
    Fault::Failed("the integer is beyond 64 bits".to_owned())
}

fn compare(operator: Operator, left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, Fault> {
    let order = match (left, right) {
        (Value::Int(_) | Value::Double(_), Value::Int(_) | Value::Double(_)) => numbers(left, right),
        (Value::String(left), Value::String(right)) => {
            budget.look(left.len().min(right.len()))?;
            Some(left.cmp(right))
        }
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => return Err(mismatch(operator, left, right)),
    };
    Ok(match operator {
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    })
}

fn contains(item: &Value, container: &Value, budget: &mut Budget) -> Result<bool, Fault> {
    match container {
        Value::List(list) => {
            for candidate in list.items() {
                if candidate.equals(item, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(Key::of(item).is_some_and(|key| map.entries().contains_key(&key))),
        other => Err(mismatch(Operator::In, item, other)),
    }
}

fn add(left: &Value, right: &Value, budget: &mut Budget) -> Result<Value, Fault> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            budget.build(left.len() + right.len())?;
            Ok(Value::String([&**left, &**right].concat().into()))
        }
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.items(), right.items());
            budget.build_items(left.len() + right.len())?;
            Value::list(left.iter().chain(right).cloned().collect())
        }
        _ => calculate(Operator::Add, left, right),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an int and a double meet as doubles")]
fn calculate(operator: Operator, left: &Value, right: &Value) -> Result<Value, Fault> {
    let (left, right) = match (left, right) {
        (Value::Int(left), Value::Int(right)) => return integers(operator, *left, *right).map(Value::Int),
        (Value::Double(left), Value::Double(right)) => (*left, *right),
        (Value::Int(left), Value::Double(right)) => (*left as f64, *right),
        (Value::Double(left), Value::Int(right)) => (*left, *right as f64),
        _ => return Err(mismatch(operator, left, right)),
    };
    Ok(Value::Double(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        _ => return Err(Fault::Failed(format!("`{}` does not work on double", operator.symbol()))),
    }))
}

fn integers(operator: Operator, left: i64, right: i64) -> Result<i64, Fault> {
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide if right == 0 => return Err(Fault::Failed("division by zero".to_owned())),
        Operator::Divide => left.checked_div(right),
        _ if right == 0 => return Err(Fault::Failed("remainder of a division by zero".to_owned())),
        _ => left.checked_rem(right),
    };
    result.ok_or_else(overflow)
}
