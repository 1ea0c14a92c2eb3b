//! Shapes: what is known about a value before it exists. `Any` is not an error, it is not knowing.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;

/// What is known about a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shape {
    /// Nothing is known.
    #[default]
    Any,
    /// null
    Null,
    /// A truth value.
    Bool,
    /// An integer.
    Int,
    /// A number, whole or not.
    Number,
    /// Text.
    String,
    /// A list of one shape.
    List(Box<Shape>),
    /// An object with these fields; `open` where it may have others.
    Object {
        /// The known fields.
        fields: BTreeMap<String, Shape>,
        /// Whether there may be others.
        open: bool,
    },
}

impl Shape {
    /// A list of this shape.
    pub fn list(items: Self) -> Self {
        Self::List(Box::new(items))
    }

    /// An object of which nothing is known.
    pub fn object() -> Self {
        Self::Object { fields: BTreeMap::new(), open: true }
    }

    /// The shape of a constant.
    pub fn of(value: &Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(_) => Self::Bool,
            Json::Number(number) if number.is_i64() => Self::Int,
            Json::Number(_) => Self::Number,
            Json::String(_) => Self::String,
            Json::Array(items) => {
                Self::list(items.iter().map(Self::of).reduce(Self::or).unwrap_or(Self::Any))
            }
            Json::Object(map) => Self::Object {
                fields: map.iter().map(|(key, item)| (key.clone(), Self::of(item))).collect(),
                open: false,
            },
        }
    }

    /// The shape of a value that is one or the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left,
            (Self::Int, Self::Number) | (Self::Number, Self::Int) => Self::Number,
            (Self::List(left), Self::List(right)) => Self::list(left.or(*right)),
            (Self::Object { .. }, Self::Object { .. }) => Self::object(),
            _ => Self::Any,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Number)
    }

    /// Whether a value of the one may ever equal a value of the other.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any | Self::Null, _) | (_, Self::Any | Self::Null) => true,
            (Self::List(_), Self::List(_)) | (Self::Object { .. }, Self::Object { .. }) => true,
            (left, right) => left == right || (left.is_number() && right.is_number()),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any => "any value",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Number => "number",
            Self::String => "string",
            Self::Object { .. } => "object",
            Self::List(items) if **items == Self::Any => "list",
            Self::List(items) => return write!(formatter, "list of {items}"),
        })
    }
}
