//! Expressions: conformance with CEL, our own table of cases, bounds, order, and the static checker.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bounds;
mod check;
mod conformance;
mod order;
mod syntax;
mod table;

use dvt_plan::expression::{Bindings, Fault, evaluate, parse};
use serde_json::Value;

/// Evaluates with these names bound, `success()` true and `failure()` false.
fn with(source: &str, names: Value) -> Result<Value, Fault> {
    let names = names.as_object().unwrap().clone().into_iter().collect();
    let expression = parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    evaluate(&expression, &Bindings { names, success: true, failure: false })
}

/// Evaluates with nothing bound.
fn bare(source: &str) -> Result<Value, Fault> {
    with(source, serde_json::json!({}))
}
