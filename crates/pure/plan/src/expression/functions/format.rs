//! `'%s-%d'.format([a, b])`: the clauses of CEL's string extension.
//!
//! `%s` anything, `%d` numbers, `%f` and `%e` with a precision (6 unless said), `%x` and `%X` ints and strings, `%o`
//! ints, `%b` ints and bools, `%%` itself. Rounding is to the nearest, ties to even, on the exact value.

use super::convert;
use crate::expression::Fault;
use crate::expression::budget::Budget;
use crate::expression::value::{Key, Value};
use dvt_model::digest::hex;

/// The largest precision.
const MAX_PRECISION: usize = 100;

/// Fills the template; every `%` takes the next item.
pub(super) fn format(template: &str, items: &[Value], budget: &mut Budget) -> Result<Value, Fault> {
    let mut out = String::new();
    let mut rest = template;
    let mut next = items.iter();
    budget.look(template.len())?;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (precision, after) = precision(after)?;
        let mut characters = after.chars();
        let clause = characters.next().ok_or_else(|| failed("`%` stands at the end of the format"))?;
        rest = characters.as_str();
        let item = next
            .next()
            .ok_or_else(|| Fault::Failed(format!("the format wants more than {} values", items.len())))?;
        let filled = one(clause, precision, item, budget)?;
        budget.build(before.len() + filled.len())?;
        out.push_str(&filled);
    }
    out.push_str(rest);
    budget.build(rest.len())?;
    Ok(Value::String(out.into()))
}

fn failed(message: &str) -> Fault {
    Fault::Failed(message.to_owned())
}

/// `.3` before a clause.
fn precision(after: &str) -> Result<(Option<usize>, &str), Fault> {
    let Some(digits) = after.strip_prefix('.') else { return Ok((None, after)) };
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let precision = digits
        .get(..digits.len() - rest.len())
        .and_then(|text| text.parse().ok())
        .filter(|precision| *precision <= MAX_PRECISION)
        .ok_or_else(|| Fault::Failed(format!("a precision is a number up to {MAX_PRECISION}")))?;
    Ok((Some(precision), rest))
}

fn one(clause: char, precision: Option<usize>, item: &Value, budget: &mut Budget) -> Result<String, Fault> {
    let digits = precision.unwrap_or(6);
    Ok(match (clause, item) {
        ('s', _) => {
            let mut text = String::new();
            plain(item, &mut text, budget)?;
            text
        }
        ('d', Value::Int(value)) => value.to_string(),
        ('d', Value::Double(value)) if value.is_finite() => value.to_string(),
        ('d' | 'e' | 'f', Value::Double(value)) if !value.is_finite() => convert::number(*value),
        ('f' | 'e', Value::Double(_) | Value::Int(_)) => {
            let Value::Double(value) = convert::double(item, budget)? else {
                return Err(failed("the value is no double"));
            };
            if clause == 'f' { format!("{value:.digits$}") } else { scientific(value, digits) }
        }
        ('x', Value::Int(value)) => signed(*value, &format!("{:x}", value.unsigned_abs())),
        ('X', Value::Int(value)) => signed(*value, &format!("{:X}", value.unsigned_abs())),
        ('x' | 'X', Value::String(text)) => {
            budget.build(text.len().saturating_mul(2))?;
            let digits = hex(text.as_bytes());
            if clause == 'X' { digits.to_ascii_uppercase() } else { digits }
        }
        ('o', Value::Int(value)) => signed(*value, &format!("{:o}", value.unsigned_abs())),
        ('b', Value::Int(value)) => signed(*value, &format!("{:b}", value.unsigned_abs())),
        ('b', Value::Bool(value)) => u8::from(*value).to_string(),
        ('d' | 'f' | 'e' | 'x' | 'X' | 'o' | 'b', other) => {
            return Err(Fault::Failed(format!("`%{clause}` does not work on {}", other.kind())));
        }
        (other, _) => {
            return Err(Fault::Failed(format!("`%{}` is no clause of a format", other.escape_debug())));
        }
    })
}

fn signed(value: i64, digits: &str) -> String {
    if value < 0 { format!("-{digits}") } else { digits.to_owned() }
}

/// A mantissa and an exponent of at least two digits.
fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// `%s`: text as it is, other values as CEL shows them, maps by the text of their keys.
fn plain(value: &Value, out: &mut String, budget: &mut Budget) -> Result<(), Fault> {
    budget.spend(1)?;
    match value {
        Value::Null => push(out, "null", budget)?,
        Value::Bool(value) => push(out, if *value { "true" } else { "false" }, budget)?,
        Value::Int(value) => push(out, &value.to_string(), budget)?,
        Value::Double(value) => push(out, &convert::number(*value), budget)?,
        Value::String(text) => push(out, text, budget)?,
        Value::List(list) => {
            push(out, "[", budget)?;
            for (position, item) in list.items().iter().enumerate() {
                push(out, if position > 0 { ", " } else { "" }, budget)?;
                plain(item, out, budget)?;
            }
            push(out, "]", budget)?;
        }
        Value::Map(map) => {
            let text = |key: &Key| match key {
                Key::Bool(value) => value.to_string(),
                Key::Int(value) => value.to_string(),
                Key::String(value) => value.to_string(),
            };
            let mut entries: Vec<(String, &Value)> =
                map.entries().iter().map(|(key, item)| (text(key), item)).collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            push(out, "{", budget)?;
            for (position, (key, item)) in entries.iter().enumerate() {
                push(out, if position > 0 { ", " } else { "" }, budget)?;
                push(out, key, budget)?;
                push(out, ": ", budget)?;
                plain(item, out, budget)?;
            }
            push(out, "}", budget)?;
        }
    }
    Ok(())
}

fn push(out: &mut String, text: &str, budget: &mut Budget) -> Result<(), Fault> {
    budget.build(text.len())?;
    out.push_str(text);
    Ok(())
}
