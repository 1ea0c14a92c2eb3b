//! Inputs of a run: checked against their schemas, with defaults, and told when they do not fit.

use crate::lint;
use dvt_plan::plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PLAN: &str = "apiVersion: dvt/v1
name: a
inputs:
  region: { type: string, enum: [eu, us] }
  regions: { type: array, items: { type: string, pattern: '^[a-z]{2,4}$' }, minItems: 1, maxItems: 3, default: [eu] }
  size: { type: integer, minimum: 1, maximum: 10, default: 3 }
  ratio: { type: number, default: 0.5 }
  full: { type: boolean, default: false }
  note: { type: [string, 'null'], minLength: 2, maxLength: 5, default: null }
  any: { default: 1 }
  shape:
    type: object
    properties: { a: { type: integer }, b: { type: array, items: { const: 1 } } }
    required: [a]
    additionalProperties: false
    default: { a: 1 }
steps: { a: { run: [echo] } }
";

fn plan() -> Plan {
    lint("plan.yaml", PLAN).checked.unwrap().plan
}

fn given(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn defaults_are_filled_in() {
    let resolved = plan().resolve_inputs(given(&[("region", json!("eu"))])).unwrap();
    let expected = json!({"region": "eu", "regions": ["eu"], "size": 3, "ratio": 0.5, "full": false, "note": null, "any": 1, "shape": {"a": 1}});
    assert_eq!(serde_json::to_value(&resolved).unwrap(), expected);
}

#[test]
fn every_fault_is_told() {
    let errors = plan().resolve_inputs(given(&[("regon", json!("eu")), ("size", json!(11))])).unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "the plan has no input `regon`; did you mean `region`?",
            "the input `size` does not fit: it is 11, more than 10",
            "the input `region` (string, one of [\"eu\",\"us\"]) is missing",
        ]
    );
    assert_eq!(errors[0].choices[0], "region");
}

#[test]
fn values_that_do_not_fit() {
    let plan = plan();
    for (name, value, reason) in [
        ("region", json!("asia"), "is not one of `[\"eu\",\"us\"]`"),
        ("region", json!(1), "is a number, not string"),
        ("regions", json!([]), "is 0 items, less than 1"),
        ("regions", json!(["eu", "USA"]), "`/1` does not match `^[a-z]{2,4}$`"),
        ("regions", json!(["eu", "us", "fr", "de"]), "is 4 items, more than 3"),
        ("size", json!(1.5), "is a number, not integer"),
        ("size", json!(true), "is a boolean, not integer"),
        ("note", json!("x"), "is 1 characters, less than 2"),
        ("note", json!("äöüßëx"), "is 6 characters, more than 5"),
        ("shape", json!({}), "has no `a`"),
        ("shape", json!({"a": 1, "c": 1}), "may not have `c`"),
        ("shape", json!({"a": 1, "b": [1, 2]}), "`/b/1` is not the constant"),
        ("shape", json!({"a": "x"}), "`/a` is a string, not integer"),
    ] {
        let reason_found = plan.inputs[name].check(&value).unwrap_err();
        assert!(reason_found.starts_with(reason), "{name} {value}: {reason_found}");
    }
    for (name, value) in [
        ("region", json!("us")),
        ("size", json!(10)),
        ("ratio", json!(3)),
        ("note", json!(null)),
        ("note", json!("äöüßë")),
        ("any", json!({"x": [1]})),
        ("shape", json!({"a": 1, "b": [1, 1]})),
    ] {
        assert_eq!(plan.inputs[name].check(&value), Ok(()), "{name} {value}");
    }
}

#[test]
fn a_float_that_is_whole_is_an_integer() {
    let resolved = plan().resolve_inputs(given(&[("region", json!("eu")), ("size", json!(2.0))])).unwrap();
    assert_eq!(resolved["size"], json!(2));
}

#[test]
fn text_of_the_command_line_takes_the_declared_type() {
    let plan = plan();
    for (name, text, expected) in [
        ("region", "eu", json!("eu")),
        ("region", "1", json!("1")),
        ("region", "true", json!("true")),
        ("regions", "[\"eu\",\"us\"]", json!(["eu", "us"])),
        ("regions", "eu,us", json!(["eu", "us"])),
        ("size", "7", json!(7)),
        ("ratio", "0.25", json!(0.25)),
        ("full", "true", json!(true)),
        ("note", "null", json!(null)),
        ("note", "12", json!("12")),
        ("shape", "{\"a\":2}", json!({"a": 2})),
        ("any", "x y", json!("x y")),
        ("any", "[1]", json!([1])),
    ] {
        assert_eq!(plan.inputs[name].parse_cli(text), Ok(expected), "{name}={text}");
    }
    for (name, text) in
        [("size", "seven"), ("size", "1.5"), ("full", "yes"), ("shape", "a"), ("ratio", "[1]")]
    {
        assert!(plan.inputs[name].parse_cli(text).is_err(), "{name}={text}");
    }
}

/// What no type asks to be a number stays one or is refused: a text is what the person did not type.
#[test]
fn a_number_that_cannot_be_kept_is_no_text() {
    let any = &plan().inputs["any"];
    for (text, value) in [
        ("1e15", json!(1_000_000_000_000_000_u64)),
        ("-0.0", json!(0)),
        ("[1, \"a\"]", json!([1, "a"])),
        ("\"1e16\"", json!("1e16")),
        ("0123", json!("0123")),
        ("1.", json!("1.")),
        ("eu", json!("eu")),
        ("{x}", json!("{x}")),
        ("", json!("")),
    ] {
        assert_eq!(any.parse_cli(text), Ok(value), "{text}");
    }
    for (text, reason) in [
        ("1e16", "the integer `10000000000000000` is beyond 2^53"),
        ("9007199254740993", "the integer `9007199254740993` is beyond 2^53"),
        ("[9007199254740993]", "the integer `9007199254740993` is beyond 2^53"),
        ("-1e400", "the number `-1e400` is not finite"),
    ] {
        let told = any.parse_cli(text).unwrap_err();
        assert!(told.starts_with(&format!("cannot be kept: {reason}")), "{text}: {told}");
    }
}

/// The classes of a pattern are ASCII, as in `matches`, and what was written is what is told.
#[test]
fn digits_and_letters_of_a_pattern_are_ascii() {
    for (pattern, fits, differs) in [
        ("^\\d+$", "34", "\u{663}\u{664}"),
        ("^\\w+$", "abc_1", "\u{430}bc"),
        ("^[\\w-]+$", "a-b", "\u{430}-b"),
        ("^a\\sb$", "a b", "a\u{a0}b"),
        ("^[a-z--9]$", "5", "A"),
    ] {
        let text = format!(
            "apiVersion: dvt/v1\nname: a\ninputs: {{ n: {{ type: string, pattern: '{pattern}' }} }}\nsteps: {{ a: {{ run: [echo] }} }}\n"
        );
        let plan = lint("plan.yaml", &text).checked.unwrap().plan;
        assert!(plan.resolve_inputs(given(&[("n", json!(fits))])).is_ok(), "{pattern} {fits}");
        let told = plan.resolve_inputs(given(&[("n", json!(differs))])).unwrap_err();
        assert!(told[0].to_string().contains(&format!("does not match `{pattern}`")), "{}", told[0]);
    }
}
