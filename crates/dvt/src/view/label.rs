//! What an item of a `foreach` is called where people look: by its `key`, or by its value, where that is short and its own.
//!
//! Ids stay what they are; a name is text of the plan's data, and whoever may not read payloads is shown none.

use crate::view::safe::safe;
use dvt_plan::expression::{Bindings, Expression, evaluate};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name in letters; what is longer names nothing at a glance.
const LONGEST: usize = 40;

/// The names of all items; where one has none, or two have the same, there are none.
pub(crate) fn of(items: &[Value], key: Option<&Expression>) -> Vec<String> {
    let named = items.iter().enumerate().map(|(index, item)| name(index, item, key));
    let names: Option<Vec<String>> = named.collect();
    let names = names.unwrap_or_default();
    let different: BTreeSet<&String> = names.iter().collect();
    if different.len() == items.len() { names } else { Vec::new() }
}

fn name(index: usize, item: &Value, key: Option<&Expression>) -> Option<String> {
    let name = match key {
        Some(key) => {
            let names = [("item".to_owned(), item.clone()), ("index".to_owned(), Value::from(index))];
            let bindings = Bindings { names: names.into(), ..Bindings::default() };
            plain(&evaluate(key, &bindings).ok()?)?
        }
        None => match item {
            Value::Object(members) => members.values().map(plain).collect::<Option<Vec<String>>>()?.join("-"),
            other => plain(other)?,
        },
    };
    let name = safe(&name).into_owned();
    let is_short = !name.is_empty() && name.chars().count() <= LONGEST;
    (is_short && !name.contains(['[', ']'])).then_some(name)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(word) => Some(word.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `transform[apac]` for `transform.2`, and `transform[apac].compensate`.
pub(crate) fn shown(id: &str, labels: &BTreeMap<String, Vec<String>>) -> String {
    let mut parts = id.splitn(3, '.');
    let found = parts.next().zip(parts.next()).and_then(|(base, index)| {
        Some(format!("{base}[{}]", labels.get(base)?.get(index.parse::<usize>().ok()?)?))
    });
    match (found, parts.next()) {
        (Some(shown), Some(rest)) => format!("{shown}.{rest}"),
        (Some(shown), None) => shown,
        (None, _) => id.to_owned(),
    }
}

/// The other way round.
pub(crate) fn meant(shown: &str, labels: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let (base, rest) = shown.split_once('[')?;
    let (label, rest) = rest.split_once(']')?;
    let index = labels.get(base)?.iter().position(|known| known == label)?;
    Some(format!("{base}.{index}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(items: &Value) -> Vec<String> {
        of(items.as_array().unwrap(), None)
    }

    #[test]
    fn items_are_named_by_value_or_key_where_that_tells_them_apart() {
        assert_eq!(names(&json!(["eu", "us", 3])), ["eu", "us", "3"]);
        assert_eq!(names(&json!([{ "a": "x", "b": 1 }, { "a": "y", "b": 1 }])), ["x-1", "y-1"]);
        for none in [json!(["eu", "eu"]), json!([[1]]), json!(["x".repeat(41)]), json!(["a[b]"])] {
            assert!(names(&none).is_empty(), "{none}");
        }
        let key = dvt_plan::expression::parse("item.name + '!'").unwrap();
        assert_eq!(of(&[json!({ "name": "eu" })], Some(&key)), ["eu!"]);
    }

    #[test]
    fn names_and_ids_mean_each_other() {
        let labels = BTreeMap::from([("transform".to_owned(), vec!["eu".to_owned(), "apac".to_owned()])]);
        for (id, name) in
            [("transform.1", "transform[apac]"), ("transform.0.compensate", "transform[eu].compensate")]
        {
            assert_eq!(shown(id, &labels), name);
            assert_eq!(meant(name, &labels).as_deref(), Some(id));
        }
        for other in ["transform", "transform.7", "load.1", "load.compensate"] {
            assert_eq!(shown(other, &labels), other);
            assert_eq!(meant(other, &labels), None);
        }
    }
}
