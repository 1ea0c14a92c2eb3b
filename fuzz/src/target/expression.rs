//! Expressions, and the same text as a glob.

use super::{Target, lossy};
use dvt_model::canonical;
use dvt_plan::expression::check::Names;
use dvt_plan::expression::{self, Bindings};
use dvt_plan::glob;
use serde_json::{Value, json};

/// The target.
pub(super) const TARGET: Target =
    Target { name: "expression", seeds: &["fuzz/seeds/expression.jsonl"], words: WORDS, keys: &[], read };

const WORDS: &[&str] = &[
    "inputs",
    ".",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ":",
    ", ",
    " ? ",
    " : ",
    " && ",
    " || ",
    " == ",
    " != ",
    " <= ",
    " >= ",
    " in ",
    "!",
    "-",
    " + ",
    " * ",
    " / ",
    " % ",
    "size(",
    "string(",
    "int(",
    "double(",
    "has(",
    ".map(x, ",
    ".filter(x, ",
    ".all(x, ",
    ".exists(x, ",
    ".contains(",
    ".startsWith(",
    ".endsWith(",
    ".matches(",
    ".join(",
    ".split(",
    "toJson(",
    "fromJson(",
    "format(",
    "true",
    "false",
    "null",
    "'",
    "\"",
    "r'",
    "\\u00e4",
    "\\x41",
    "0x7f",
    "1e10",
    "9223372036854775807",
    "vars.b",
    "item.text",
    "always()",
    "b[0]",
    "??",
    ".?",
];

/// An expression, and the same text as a glob. It gives the same twice, and what it gives is bounded and can be stored: what is
/// written is read again.
fn read(text: &[u8]) -> Vec<String> {
    let text = lossy(text);
    if glob::check(&text).is_ok() {
        glob::matches(&text, "steps/a/b.csv");
    }
    let Ok(parsed) = expression::parse(&text) else { return Vec::new() };
    drop(expression::check::check(&parsed, &Names::default()));
    let values = json!({"a": 1, "b": [1.5, "ä🦀", null, true, {"c": "d"}], "text": "2026-01-01T00:00:00Z", "big": 9_007_199_254_740_991_u64});
    let names = ["inputs", "vars", "item"].map(|name| (name.to_owned(), values.clone()));
    let bindings = Bindings { names: names.into_iter().collect(), success: true, failure: false };
    let first = expression::evaluate(&parsed, &bindings);
    assert_eq!(first, expression::evaluate(&parsed, &bindings), "two evaluations differ");
    if let Ok(value) = &first {
        let again = canonical::to_bytes(value).and_then(|written| canonical::parse(&written));
        assert_eq!(again.as_ref(), Ok(value), "it is not read again as it was written");
    }
    match first {
        Ok(Value::String(text)) => vec![text],
        Ok(value) => {
            assert!(value.to_string().len() <= 2 << 20, "a value beyond its bound");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}
