//! The values of an evaluation: JSON's kinds, with int and double apart and maps in the byte order of their keys.
//!
//! Lists and maps know how deep they are and refuse to be deeper than canonical JSON may be: that keeps comparing,
//! printing and dropping them off the end of the stack. Parts are shared, never copied.

use super::Fault;
use super::budget::Budget;
use dvt_model::canonical::MAX_DEPTH;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// null
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// A list.
    List(Arc<List>),
    /// A map.
    Map(Arc<Map>),
}

/// A list and its depth.
#[derive(Debug)]
pub struct List {
    items: Vec<Value>,
    depth: usize,
}

/// A map and its depth.
#[derive(Debug)]
pub struct Map {
    entries: BTreeMap<Key, Value>,
    depth: usize,
}

/// A key of a map; the order is bools, ints, then strings by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Text.
    String(Arc<str>),
}

impl List {
    /// The items.
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Map {
    /// The entries in order.
    pub fn entries(&self) -> &BTreeMap<Key, Value> {
        &self.entries
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(&Key::String(key.into()))
    }
}

impl Key {
    /// The key that a value stands for, if it can be one. A double that is a whole number finds the int.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(value) => Some(Self::Int(*value)),
            Value::Double(value) => whole(*value).map(Self::Int),
            Value::String(value) => Some(Self::String(value.clone())),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::String(value) => Value::String(value.clone()),
        }
    }
}

/// The integer that a double is, exactly.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within range")]
pub(super) fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (value.fract() == 0.0 && value.abs() < LIMIT).then_some(value as i64)
}

impl Value {
    /// A list; refused where it would be too deep.
    pub(super) fn list(items: Vec<Self>) -> Result<Self, Fault> {
        let depth = deeper(items.iter())?;
        Ok(Self::List(Arc::new(List { items, depth })))
    }

    /// A map; refused where it would be too deep.
    pub(super) fn map(entries: BTreeMap<Key, Self>) -> Result<Self, Fault> {
        let depth = deeper(entries.values())?;
        Ok(Self::Map(Arc::new(Map { entries, depth })))
    }

    fn depth(&self) -> usize {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            _ => 0,
        }
    }

    /// The kind, as messages name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// CEL's equality: numbers by value, everything else only within its kind. Each comparison costs a step.
    pub(super) fn equals(&self, other: &Self, budget: &mut Budget) -> Result<bool, Fault> {
        budget.spend(1)?;
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::String(left), Self::String(right)) => {
                budget.look(left.len().min(right.len()))?;
                left == right
            }
            (Self::List(left), Self::List(right)) => {
                if left.items.len() != right.items.len() {
                    return Ok(false);
                }
                for (left, right) in left.items.iter().zip(&right.items) {
                    if !left.equals(right, budget)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Self::Map(left), Self::Map(right)) => {
                if left.entries.len() != right.entries.len() {
                    return Ok(false);
                }
                for ((left_key, left), (right_key, right)) in left.entries.iter().zip(&right.entries) {
                    if left_key != right_key || !left.equals(right, budget)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => numbers(self, other) == Some(Ordering::Equal),
        })
    }
}

/// Compares two numbers as CEL does (an int meets a double as a double); not a number compares to nothing.
#[expect(clippy::cast_precision_loss, reason = "CEL compares an int with a double as doubles")]
pub(super) fn numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Double(right)) => (*left as f64).partial_cmp(right),
        (Value::Double(left), Value::Int(right)) => left.partial_cmp(&(*right as f64)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        _ => None,
    }
}

fn deeper<'a>(items: impl Iterator<Item = &'a Value>) -> Result<usize, Fault> {
    let depth = items.map(Value::depth).max().unwrap_or(0) + 1;
    if depth > MAX_DEPTH {
        return Err(Fault::Failed(format!("the value nests deeper than {MAX_DEPTH} levels")));
    }
    Ok(depth)
}
