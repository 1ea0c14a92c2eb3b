//! How long the canonical form of a value is, without writing it down.
//!
//! Surprising: what has no canonical form (a number that is not finite, what lies beyond [`MAX_DEPTH`]) counts as nothing.

use super::{MAX_DEPTH, write_number, write_string};
use serde_json::Value;

/// Bytes of the canonical form.
pub fn length(value: &Value) -> u64 {
    let mut part = Vec::new();
    at(value, 0, &mut part)
}

/// `part` is where a scalar is written, one at a time.
fn at(value: &Value, depth: usize, part: &mut Vec<u8>) -> u64 {
    if depth > MAX_DEPTH {
        return 0;
    }
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => measured(part, |out| write_number(number, out).is_ok()),
        Value::String(text) => measured(part, |out| write_string(text, out).is_ok()),
        Value::Array(items) => {
            let each = items.iter().map(|item| at(item, depth + 1, part) + 1);
            1 + each.sum::<u64>().max(1)
        }
        Value::Object(members) => {
            let each = members.iter().map(|(key, item)| {
                let key = measured(part, |out| write_string(key, out).is_ok());
                key + 1 + at(item, depth + 1, part) + 1
            });
            1 + each.sum::<u64>().max(1)
        }
    }
}

fn measured(part: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) -> u64 {
    part.clear();
    if write(part) { part.len() as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::to_bytes;
    use serde_json::json;

    #[test]
    fn it_is_as_long_as_what_is_written() {
        for value in [
            json!(null),
            json!([true, false, null, [], {}, [[]], [{}]]),
            json!({"a": {"b": [1, -1, 0, 9_007_199_254_740_992_u64]}, "ä\u{1}\"\\": "😀\n\u{7f}/"}),
            // serde writes these otherwise, so counting what it writes would be wrong.
            json!([1.0, -0.0, 1e30, 1.5e-7, 0.000_001, 1e21, 9_007_199_254_740_992.0, 4.5]),
        ] {
            assert_eq!(length(&value), to_bytes(&value).unwrap().len() as u64, "{value}");
        }
        let doubles = json!([1.0, 1e30]);
        assert_ne!(length(&doubles), doubles.to_string().len() as u64, "the two differ");
    }

    #[test]
    fn what_has_no_canonical_form_counts_as_nothing() {
        assert_eq!(length(&json!(9_007_199_254_740_993_u64)), 0);
        let deep = (0..300).fold(json!(1), |value, _| json!([value]));
        assert!(to_bytes(&deep).is_err() && length(&deep) > 0);
    }
}
