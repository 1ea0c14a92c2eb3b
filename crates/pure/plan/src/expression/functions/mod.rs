//! The functions: one table of names for the checker and the evaluator, and what they do.
//!
//! CEL's standard ones within the kinds that we have, plus `always`, `success`, `failure` (answered by the evaluator),
//! `join`, `format`, `fromJson`, `toJson` and `hash`. None has an effect, none sees the outside.

mod convert;
mod format;
pub(super) mod pattern;

use super::budget::{Budget, MAX_RESULT};
use super::value::Value;
use super::{Fault, json};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use pattern::Patterns;
use std::sync::Arc;

/// A function as the checker sees it.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// How many values it takes as `name(…)`; none where it is only a method.
    pub(super) global: Option<usize>,
    /// How many arguments it takes as `value.name(…)`, from and to.
    pub(super) method: Option<(usize, usize)>,
    /// How to write it.
    pub(super) usage: &'static str,
}

const fn global(name: &'static str, count: usize, usage: &'static str) -> Function {
    Function { name, global: Some(count), method: None, usage }
}

const fn method(name: &'static str, from: usize, to: usize, usage: &'static str) -> Function {
    Function { name, global: None, method: Some((from, to)), usage }
}

/// Every function; macros are not among them.
pub(super) const FUNCTIONS: [Function; 19] = [
    global("always", 0, "always()"),
    global("bool", 1, "bool(x)"),
    method("contains", 1, 1, "text.contains(part)"),
    global("double", 1, "double(x)"),
    global("dyn", 1, "dyn(x)"),
    method("endsWith", 1, 1, "text.endsWith(part)"),
    global("failure", 0, "failure()"),
    method("format", 1, 1, "'%s-%d'.format([a, b])"),
    global("fromJson", 1, "fromJson(text)"),
    global("has", 1, "has(path.field)"),
    global("hash", 1, "hash(x)"),
    global("int", 1, "int(x)"),
    method("join", 0, 1, "list.join(', ')"),
    Function { name: "matches", global: Some(2), method: Some((1, 1)), usage: "text.matches('^a+$')" },
    Function { name: "size", global: Some(1), method: Some((0, 0)), usage: "size(x)" },
    method("startsWith", 1, 1, "text.startsWith(part)"),
    global("string", 1, "string(x)"),
    global("success", 0, "success()"),
    global("toJson", 1, "toJson(x)"),
];

/// `name(arguments)`
pub(super) fn global_call(
    name: &str,
    arguments: &[Value],
    budget: &mut Budget,
    patterns: &mut Patterns,
) -> Result<Value, Fault> {
    match (name, arguments) {
        ("size", [value]) => size(value, budget),
        ("string", [value]) => convert::string(value, budget),
        ("int", [value]) => convert::int(value, budget),
        ("double", [value]) => convert::double(value, budget),
        ("bool", [value]) => convert::bool(value),
        ("dyn", [value]) => Ok(value.clone()),
        ("matches", [Value::String(text), Value::String(pattern)]) => patterns.matches(text, pattern, budget),
        ("fromJson", [Value::String(text)]) => from_json(text, budget),
        ("toJson", [value]) => text(json::to_text(value, budget)?, budget),
        ("hash", [value]) => text(Digest::of(&json::to_text(value, budget)?).hex().into_bytes(), budget),
        _ => Err(refused(name, None, arguments)),
    }
}

/// `target.name(arguments)`
pub(super) fn method_call(
    name: &str,
    target: &Value,
    arguments: &[Value],
    budget: &mut Budget,
    patterns: &mut Patterns,
) -> Result<Value, Fault> {
    match (name, target, arguments) {
        ("size", target, []) => size(target, budget),
        ("matches", Value::String(text), [Value::String(pattern)]) => patterns.matches(text, pattern, budget),
        ("contains", Value::String(text), [Value::String(part)]) => {
            budget.look(text.len() + part.len())?;
            Ok(Value::Bool(text.contains(&**part)))
        }
        ("startsWith", Value::String(text), [Value::String(part)]) => {
            budget.look(part.len())?;
            Ok(Value::Bool(text.starts_with(&**part)))
        }
        ("endsWith", Value::String(text), [Value::String(part)]) => {
            budget.look(part.len())?;
            Ok(Value::Bool(text.ends_with(&**part)))
        }
        ("join", Value::List(list), []) => join(list.items(), "", budget),
        ("join", Value::List(list), [Value::String(between)]) => join(list.items(), between, budget),
        ("format", Value::String(template), [Value::List(list)]) => {
            format::format(template, list.items(), budget)
        }
        _ => Err(refused(name, Some(target), arguments)),
    }
}

/// Why a call matches no function: unknown, or other kinds of values.
fn refused(name: &str, target: Option<&Value>, arguments: &[Value]) -> Fault {
    let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
        return Fault::Failed(format!("there is no function `{name}`"));
    };
    let kinds: Vec<&str> = target.into_iter().chain(arguments).map(Value::kind).collect();
    Fault::Failed(format!("`{}` does not work on {}", function.usage, kinds.join(" and ")))
}

/// Characters of a text, items of a list, entries of a map.
fn size(value: &Value, budget: &mut Budget) -> Result<Value, Fault> {
    let count = match value {
        Value::String(text) => {
            budget.look(text.len())?;
            text.chars().count()
        }
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.entries().len(),
        other => return Err(Fault::Failed(format!("`size` does not work on {}", other.kind()))),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn join(items: &[Value], between: &str, budget: &mut Budget) -> Result<Value, Fault> {
    let mut parts: Vec<&str> = Vec::with_capacity(items.len());
    for item in items {
        budget.spend(1)?;
        let Value::String(part) = item else {
            return Err(Fault::Failed(format!(
                "`join` takes a list of strings, this one holds {}",
                item.kind()
            )));
        };
        parts.push(part);
    }
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    budget.build(bytes + between.len().saturating_mul(parts.len()))?;
    Ok(Value::String(parts.join(between).into()))
}

fn from_json(text: &Arc<str>, budget: &mut Budget) -> Result<Value, Fault> {
    if text.len() > MAX_RESULT {
        return Err(Fault::OverBudget("1 MiB of JSON"));
    }
    budget.build(text.len())?;
    let json =
        canonical::parse(text.as_bytes()).map_err(|error| Fault::Failed(format!("`fromJson`: {error}")))?;
    json::from_json(&json, budget)
}

fn text(bytes: Vec<u8>, budget: &mut Budget) -> Result<Value, Fault> {
    budget.build(bytes.len())?;
    let text = String::from_utf8(bytes).map_err(|_| Fault::Failed("the text is not UTF-8".to_owned()))?;
    Ok(Value::String(text.into()))
}
