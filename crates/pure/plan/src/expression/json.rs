//! Between JSON and values. What comes in is read by value (1.0 is the int 1, as its canonical form says); what goes
//! out is canonical and at most 1 MiB, or a fault.

use super::Fault;
use super::budget::{Budget, MAX_RESULT};
use super::value::{Key, Value, whole};
use dvt_model::canonical::{self, MAX_DEPTH};
use serde_json::{Map, Number, Value as Json};
use std::collections::BTreeMap;

/// JSON to value. Looking costs; the bytes were there before.
pub(super) fn from_json(json: &Json, budget: &mut Budget) -> Result<Value, Fault> {
    read(json, budget, 0)
}

fn read(json: &Json, budget: &mut Budget, depth: usize) -> Result<Value, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Failed(format!("the value nests deeper than {MAX_DEPTH} levels")));
    }
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number_value(number),
        Json::String(text) => {
            budget.look(text.len())?;
            Value::String(text.as_str().into())
        }
        Json::Array(items) => {
            budget.spend(items.len() / 4)?;
            Value::list(items.iter().map(|item| read(item, budget, depth + 1)).collect::<Result<_, _>>()?)?
        }
        Json::Object(map) => {
            budget.spend(map.len() / 2)?;
            let mut entries = BTreeMap::new();
            for (key, item) in map {
                entries.insert(Key::String(key.as_str().into()), read(item, budget, depth + 1)?);
            }
            Value::map(entries)?
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "the bound itself is exact")]
fn number_value(number: &Number) -> Value {
    const EXACT: f64 = canonical::MAX_INTEGER as f64;
    if let Some(value) = number.as_i64() {
        return Value::Int(value);
    }
    let value = number.as_f64().unwrap_or(f64::NAN);
    match whole(value).filter(|_| value.abs() <= EXACT) {
        Some(value) => Value::Int(value),
        None => Value::Double(value),
    }
}

/// Value to canonical JSON of at most 1 MiB.
pub(super) fn to_json(value: &Value, budget: &mut Budget) -> Result<Json, Fault> {
    let mut room = MAX_RESULT;
    write(value, budget, &mut room)
}

/// The canonical text of a value.
pub(super) fn to_text(value: &Value, budget: &mut Budget) -> Result<Vec<u8>, Fault> {
    let json = to_json(value, budget)?;
    canonical::to_bytes(&json).map_err(|error| Fault::Failed(error.to_string()))
}

fn take(room: &mut usize, bytes: usize) -> Result<(), Fault> {
    *room = room.checked_sub(bytes).ok_or(Fault::OverBudget("1 MiB of result"))?;
    Ok(())
}

fn write(value: &Value, budget: &mut Budget, room: &mut usize) -> Result<Json, Fault> {
    Ok(match value {
        Value::Null => {
            take(room, 4)?;
            Json::Null
        }
        Value::Bool(value) => {
            take(room, 5)?;
            Json::Bool(*value)
        }
        Value::Int(value) => number(Number::from(*value), room)?,
        Value::Double(value) => match Number::from_f64(*value) {
            Some(value) => number(value, room)?,
            None => return Err(Fault::Failed("the result is not a finite number".to_owned())),
        },
        Value::String(text) => Json::String(string(text, budget, room)?),
        Value::List(list) => {
            let items = list.items();
            budget.spend(items.len() / 4)?;
            take(room, items.len() + 2)?;
            Json::Array(items.iter().map(|item| write(item, budget, room)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) => {
            let entries = map.entries();
            budget.spend(entries.len() / 2)?;
            take(room, entries.len() * 2 + 2)?;
            let mut object = Map::new();
            for (key, item) in entries {
                let key = match key {
                    Key::Bool(value) => value.to_string(),
                    Key::Int(value) => value.to_string(),
                    Key::String(value) => value.to_string(),
                };
                let key = string(&key, budget, room)?;
                let item = write(item, budget, room)?;
                if object.insert(key, item).is_some() {
                    return Err(Fault::Failed("two keys of the result are the same text in JSON".to_owned()));
                }
            }
            Json::Object(object)
        }
    })
}

fn number(number: Number, room: &mut usize) -> Result<Json, Fault> {
    let normal =
        canonical::normalise(Json::Number(number)).map_err(|error| Fault::Failed(error.to_string()))?;
    take(room, normal.to_string().len())?;
    Ok(normal)
}

fn string(text: &str, budget: &mut Budget, room: &mut usize) -> Result<String, Fault> {
    budget.look(text.len())?;
    let escaped: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | 8..=10 | 12 | 13 => 2,
            0..=31 => 6,
            _ => 1,
        })
        .sum();
    take(room, escaped + 2)?;
    Ok(text.to_owned())
}
