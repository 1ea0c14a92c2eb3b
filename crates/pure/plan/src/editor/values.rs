//! What several keys take: durations, sizes, names, texts with and without expressions, and the schemas inside a plan.

use crate::document::keys::{Family, Level};
use crate::document::{duration, schema as words, size};
use crate::input::Type;
use serde_json::{Value, json};

/// `^[A-Za-z][A-Za-z0-9_-]{0,63}$`: plans, steps, signals.
pub(super) const ID: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
/// Inputs, variables, outputs.
pub(super) const NAME: &str = "^[A-Za-z_][A-Za-z0-9_]{0,63}$";

/// `1h30m`: units from large to small, each once.
pub(super) fn duration() -> Value {
    durations("(?=.)")
}

/// The same, and not nothing.
pub(super) fn some_duration() -> Value {
    durations("(?=.*[1-9])")
}

/// The same, of a second at least, as far as one part of it tells.
pub(super) fn long_duration() -> Value {
    durations("(?=.*[1-9][0-9]*(d|h|m(?!s)|s)|.*[1-9][0-9]{3}[0-9]*ms)")
}

fn durations(ahead: &str) -> Value {
    let mut units = duration::UNITS.to_vec();
    units.sort_by_key(|(_, ms)| std::cmp::Reverse(*ms));
    let parts: String = units.iter().map(|(unit, _)| format!("([0-9]+{unit})?")).collect();
    json!({"type": "string", "pattern": format!("^{ahead}{parts}$"), "examples": ["90s", "10m", "1h30m"]})
}

/// `512MiB`
pub(super) fn size() -> Value {
    let units: Vec<&str> = size::UNITS.iter().map(|(unit, _)| *unit).collect();
    json!({"type": "string", "pattern": format!("^[0-9]+({})$", units.join("|")), "examples": ["512MiB"]})
}

/// A text in which no expression may stand.
pub(super) fn literal() -> Value {
    json!({"type": "string", "not": {"pattern": "\\$\\{\\{"}})
}

/// A whole number within limits.
pub(super) fn integer(least: u64, most: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

/// One of a few words.
pub(super) fn words(words: &[&str]) -> Value {
    json!({"enum": words})
}

/// One text, or a list of them.
pub(super) fn strings(one: &Value, most: u64) -> Value {
    json!({"anyOf": [one, {"type": "array", "items": one, "maxItems": most}]})
}

/// A mapping whose keys are names.
pub(super) fn named(pattern: &str, value: &Value) -> Value {
    json!({"type": "object", "propertyNames": {"pattern": pattern}, "additionalProperties": value})
}

pub(super) fn tags() -> Value {
    strings(&json!({"type": "string", "pattern": "^[A-Za-z0-9._:/-]{1,64}$"}), 10_000)
}

/// The schema of an input, an output or a payload.
pub(super) fn schema() -> Value {
    let family = Family { what: "a schema", keys: words::WORDS, level: Level::Inner };
    let types: Vec<&str> = Type::WORDS.iter().map(|(word, _)| *word).collect();
    let count = || integer(0, u64::from(u32::MAX));
    let below = json!({"$ref": "#/definitions/schema"});
    super::family(&family, &[], |word| {
        Some(match word {
            "type" => (strings(&self::words(&types), 7), "the type, or a list of types"),
            "enum" => (json!({"type": "array", "minItems": 1}), "the values that are allowed"),
            "const" => (json!({}), "the one value that is allowed"),
            "pattern" => (json!({"type": "string"}), "a regular expression (RE2 syntax, linear in the text)"),
            "minLength" => (count(), "the least number of characters"),
            "maxLength" => (count(), "the largest number of characters"),
            "minItems" => (count(), "the least number of items"),
            "maxItems" => (count(), "the largest number of items; it bounds a `foreach` over this list"),
            "minimum" => (json!({"type": "number"}), "the least number"),
            "maximum" => (json!({"type": "number"}), "the largest number"),
            "items" => (below.clone(), "the schema of each item"),
            "properties" => {
                (json!({"type": "object", "additionalProperties": below}), "the schemas of the properties")
            }
            "required" => (strings(&literal(), 10_000), "properties that must be there"),
            "additionalProperties" => (json!({"type": "boolean"}), "whether other properties are allowed"),
            "default" => (json!({}), "the value where the run gives none"),
            "title" => (literal(), "a short name for people"),
            "description" => (literal(), "what it is, for people"),
            _ => return None,
        })
    })
}
