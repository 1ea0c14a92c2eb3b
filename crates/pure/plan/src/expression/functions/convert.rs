//! `string`, `int`, `double`, `bool`: conversions that either are exact in CEL's sense or fail.
//!
//! A double becomes text as canonical JSON writes it, so `string(x)` and the plan's own output agree. Messages never
//! repeat the text that could not be converted.

use crate::expression::Fault;
use crate::expression::budget::Budget;
use crate::expression::value::Value;
use dvt_model::canonical;
use serde_json::{Number, Value as Json};

/// The longest text that is looked at as a number.
const MAX_NUMBER: usize = 1024;

fn refused(name: &str, value: &Value) -> Fault {
    Fault::Failed(format!("`{name}` does not work on {}", value.kind()))
}

/// `string(x)`
pub(super) fn string(value: &Value, budget: &mut Budget) -> Result<Value, Fault> {
    let text = match value {
        Value::String(_) => return Ok(value.clone()),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => number(*value),
        _ => return Err(refused("string", value)),
    };
    budget.build(text.len())?;
    Ok(Value::String(text.into()))
}

/// A double as canonical JSON writes it; what JSON cannot say has the names of CEL.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    Number::from_f64(value)
        .and_then(|number| canonical::to_bytes(&Json::Number(number)).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| value.to_string())
}

/// `int(x)`: a double loses its fraction; beyond 64 bits it fails.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be within range; the fraction is meant to go"
)]
pub(super) fn int(value: &Value, budget: &mut Budget) -> Result<Value, Fault> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(_) => Ok(value.clone()),
        Value::Double(double) if double.abs() < LIMIT => Ok(Value::Int(*double as i64)),
        Value::Double(_) => Err(Fault::Failed("the double is no 64-bit integer".to_owned())),
        Value::String(text) => {
            let text = short(text, budget).ok_or_else(|| not("int"))?;
            text.parse().map(Value::Int).map_err(|_| not("int"))
        }
        _ => Err(refused("int", value)),
    }
}

/// `double(x)`
#[expect(clippy::cast_precision_loss, reason = "CEL rounds an int to the nearest double")]
pub(super) fn double(value: &Value, budget: &mut Budget) -> Result<Value, Fault> {
    match value {
        Value::Double(_) => Ok(value.clone()),
        Value::Int(value) => Ok(Value::Double(*value as f64)),
        Value::String(text) => {
            let text = short(text, budget).ok_or_else(|| not("double"))?;
            text.parse().map(Value::Double).map_err(|_| not("double"))
        }
        _ => Err(refused("double", value)),
    }
}

/// `bool(x)`
pub(super) fn bool(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) => match &**text {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(not("bool")),
        },
        _ => Err(refused("bool", value)),
    }
}

fn short<'a>(text: &'a str, budget: &mut Budget) -> Option<&'a str> {
    (text.len() <= MAX_NUMBER && budget.look(text.len()).is_ok()).then_some(text)
}

fn not(kind: &str) -> Fault {
    Fault::Failed(format!("the string is no {kind}"))
}
