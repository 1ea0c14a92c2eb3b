//! The spanned tree: a JSON document in which every value and key knows its place in the text.
//!
//! Numbers are canonical already, and texts are borrowed: from the document, or from [`super::texts`]. Spans are four bytes each, for a document is at most 8 MiB and may have a million
//! nodes. A tree made from a stored document has empty places.

use serde_json::{Map, Number, Value};

/// A byte range of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Place {
    /// The first byte.
    pub(crate) start: u32,
    /// After the last byte.
    pub(crate) end: u32,
}

impl Place {
    /// From byte offsets.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: cut(start), end: cut(end) }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node<'t> {
    /// Where it stands.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) kind: Kind<'t>,
}

/// The kinds of JSON values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind<'t> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A canonical number.
    Number(Number),
    /// A string.
    Text(&'t str),
    /// An array.
    List(Box<[Node<'t>]>),
    /// An object, in the order of the text, without repeated keys.
    Map(Box<[Entry<'t>]>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry<'t> {
    /// The key.
    pub(crate) key: &'t str,
    /// Where the key stands.
    pub(crate) place: Place,
    /// The value.
    pub(crate) value: Node<'t>,
}

impl<'t> Entry<'t> {
    /// The key.
    pub(crate) fn name(&self) -> &'t str {
        self.key
    }
}

impl<'t> Node<'t> {
    /// What it is, with its article.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The text, where it is one.
    pub(crate) fn as_text(&self) -> Option<&'t str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, where it is a mapping.
    pub(crate) fn as_map(&self) -> Option<&[Entry<'t>]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of that key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry<'t>> {
        self.as_map()?.iter().find(|entry| entry.name() == key)
    }

    /// The plain value. Documents nest 64 deep at most, so the recursion is bounded.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.to_string()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// A tree without places, of a stored document.
    pub(crate) fn from_value(value: &'t Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(*value),
            Value::Number(number) => Kind::Number(number.clone()),
            Value::String(text) => Kind::Text(text),
            Value::Array(items) => Kind::List(items.iter().map(Self::from_value).collect()),
            Value::Object(map) => Kind::Map(
                map.iter()
                    .map(|(key, item)| Entry { key, place: Place::default(), value: Self::from_value(item) })
                    .collect(),
            ),
        };
        Self { place: Place::default(), kind }
    }
}
