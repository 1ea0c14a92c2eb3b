//! A difference as a diagnostic: the place in the test file, what was expected, what came.

use dvt_plan::diagnostic::codes::Code;
use dvt_plan::diagnostic::{Diagnostic, Severity, Span};
use serde_json::Value;

/// Characters of a value that are shown.
const MOST_SHOWN: usize = 120;

/// A difference without reason or fix.
pub(crate) fn difference(code: Code, span: Span, message: String, label: String) -> Diagnostic {
    Diagnostic {
        code: code.code.to_owned(),
        severity: Severity::Error,
        message,
        span,
        label: Some(label).filter(|label| !label.is_empty()),
        why: None,
        fix: None,
        choices: Vec::new(),
        related: Vec::new(),
    }
}

/// A value on one line, never long.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().nth(MOST_SHOWN).is_none() {
        return text;
    }
    text.chars().take(MOST_SHOWN).chain(['…']).collect()
}

/// Where two values first differ, as a JSON pointer, with both sides; `None` where they are equal.
pub(crate) fn first<'v>(
    expected: &'v Value,
    came: &'v Value,
) -> Option<(String, Option<&'v Value>, Option<&'v Value>)> {
    match (expected, came) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            keys.into_iter().find_map(|key| below(key, left.get(key), right.get(key)))
        }
        (Value::Array(left), Value::Array(right)) => (0..left.len().max(right.len()))
            .find_map(|at| below(&at.to_string(), left.get(at), right.get(at))),
        _ if expected == came => None,
        _ => Some((String::new(), Some(expected), Some(came))),
    }
}

fn below<'v>(
    key: &str,
    expected: Option<&'v Value>,
    came: Option<&'v Value>,
) -> Option<(String, Option<&'v Value>, Option<&'v Value>)> {
    let escaped = key.replace('~', "~0").replace('/', "~1");
    match (expected, came) {
        (Some(expected), Some(came)) => {
            first(expected, came).map(|(path, left, right)| (format!("/{escaped}{path}"), left, right))
        }
        (None, None) => None,
        (left, right) => Some((format!("/{escaped}"), left, right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_pointed_at() {
        let at = |left: Value, right: Value| first(&left, &right).map(|(path, _, _)| path);
        assert_eq!(at(json!({"a": [1, 2]}), json!({"a": [1, 2]})), None);
        assert_eq!(at(json!({"a": [1, 2]}), json!({"a": [1, 3]})), Some("/a/1".to_owned()));
        assert_eq!(at(json!({"a": 1}), json!({"a": 1, "b/c": 2})), Some("/b~1c".to_owned()));
        assert_eq!(at(json!(1), json!("1")), Some(String::new()));
        assert_eq!(at(json!([1]), json!([1, 2])), Some("/1".to_owned()));
    }
}
