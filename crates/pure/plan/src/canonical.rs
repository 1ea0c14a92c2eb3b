//! The normal form of a document: a single `needs` becomes a list, durations become milliseconds, nothing is filled in.
//!
//! A normalised document reads as itself (see `load`), so whoever stores it can run it without the text.

use crate::document::duration;
use serde_json::{Map, Value};

/// Keys of a retry policy that are durations.
const RETRY: &[&str] = &["initial", "ceiling"];

/// Normalises the value of a checked document.
pub(crate) fn normalise(mut document: Value) -> Value {
    let Some(plan) = document.as_object_mut() else { return document };
    each(plan, "files", list);
    within(plan, "limits", |limits| each(limits, "maxDuration", milliseconds));
    within(plan, "defaults", times);
    within(plan, "steps", |steps| {
        for step in steps.values_mut().filter_map(Value::as_object_mut) {
            each(step, "needs", list);
            each(step, "wait", milliseconds);
            times(step);
            if step.contains_key("uses") {
                within(step, "with", |with| each(with, "simulate", milliseconds));
            }
        }
    });
    document
}

fn times(map: &mut Map<String, Value>) {
    each(map, "timeout", milliseconds);
    within(map, "retry", |retry| RETRY.iter().for_each(|key| each(retry, key, milliseconds)));
}

fn each(map: &mut Map<String, Value>, key: &str, change: fn(&Value) -> Option<Value>) {
    if let Some(value) = map.get_mut(key)
        && let Some(changed) = change(value)
    {
        *value = changed;
    }
}

fn within(map: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(inner) = map.get_mut(key).and_then(Value::as_object_mut) {
        change(inner);
    }
}

fn milliseconds(value: &Value) -> Option<Value> {
    value.as_str().and_then(duration::parse).map(Value::from)
}

fn list(value: &Value) -> Option<Value> {
    value.is_string().then(|| Value::Array(vec![value.clone()]))
}
