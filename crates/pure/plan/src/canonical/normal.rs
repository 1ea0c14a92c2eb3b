//! The normal form of a document: a single `needs` becomes a list, durations become milliseconds, sizes
//! bytes, nothing is filled in.
//!
//! A normalised document reads as itself (see `load`), so whoever stores it can run it without the text.

use super::{RETRY, SIZES};
use crate::document::form::NOOP;
use crate::document::{duration, size};
use serde_json::{Map, Value};

/// Normalises the value of a checked document.
pub(crate) fn normalise(mut document: Value) -> Value {
    let Some(plan) = document.as_object_mut() else { return document };
    each(plan, "files", list);
    within(plan, "limits", |limits| each(limits, "maxDuration", milliseconds));
    within(plan, "defaults", times);
    each(plan, "scratch", bytes);
    for part in ["steps", "finally"] {
        within(plan, part, |steps| steps.values_mut().filter_map(Value::as_object_mut).for_each(step));
    }
    document
}

fn step(step: &mut Map<String, Value>) {
    each(step, "needs", list);
    each(step, "wait", milliseconds);
    body(step);
    within(step, "compensate", body);
}

fn body(step: &mut Map<String, Value>) {
    times(step);
    within(step, "limits", |limits| SIZES.iter().for_each(|key| each(limits, key, bytes)));
    if step.get("uses").and_then(Value::as_str) == Some(NOOP) {
        within(step, "with", |with| each(with, "simulate", milliseconds));
    }
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

fn bytes(value: &Value) -> Option<Value> {
    value.as_str().and_then(size::parse).map(Value::from)
}

fn list(value: &Value) -> Option<Value> {
    value.is_string().then(|| Value::Array(vec![value.clone()]))
}
