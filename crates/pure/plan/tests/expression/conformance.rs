//! The public conformance cases of CEL: every construct that the plan language has must agree.
//!
//! A case is left out by a feature that stands in it, never because it fails. The table is printed.

use dvt_plan::expression::value::{Key, Value};
use dvt_plan::expression::{Bindings, evaluate_typed, parse};
use regex::Regex;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::Read;

#[test]
fn every_construct_that_we_have_agrees_with_cel() {
    let Some(folder) = std::env::var_os("DVT_TEST_DATA") else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "DVT_TEST_DATA must be set in CI");
        println!("skipped: DVT_TEST_DATA is not set");
        return;
    };
    let path = std::path::Path::new(&folder).join("cel/conformance.jsonl.gz");
    let mut text = String::new();
    let file = std::fs::File::open(&path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();

    let features = features();
    let mut agreed = 0;
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        if let Some(feature) = feature(&case, &features) {
            *left_out.entry(feature).or_default() += 1;
            continue;
        }
        match judge(&case) {
            Ok(()) => agreed += 1,
            Err(why) => wrong.push(format!("{}: {} … {why}", case["section"], case["expr"])),
        }
    }
    println!("CEL conformance, {} cases", text.lines().count());
    println!("{agreed:6}  agreed\n{:6}  wrong", wrong.len());
    println!("{:6}  left out, by the feature that stands in them:", left_out.values().sum::<usize>());
    for (feature, count) in &left_out {
        println!("        {count:5}  {feature}");
    }
    for line in &wrong {
        println!("wrong: {line}");
    }
    assert_eq!(text.lines().count(), 1319);
    assert!(wrong.is_empty(), "{} cases disagree", wrong.len());
    assert!(agreed >= 500, "only {agreed} cases agree");
}

/// What the plan language does not have, and how it shows in the text (string literals taken out).
fn features() -> Vec<(&'static str, Regex)> {
    let strings = "charAt|indexOf|lastIndexOf|lowerAscii|upperAscii|replace|split|substring|trim|reverse";
    [
        ("protobuf messages", r"[A-Za-z_]\s*\{|TestAllTypes|google\.protobuf".to_owned()),
        ("uint", r"\b(0[xX][0-9a-fA-F]+|[0-9]+)[uU]\b|\buint\b".to_owned()),
        ("bytes", r"(?i)\b(b|br|rb)(?:§)|\bbytes\s*\(".to_owned()),
        ("timestamp and duration", r"\b(timestamp|duration)\s*\(|\.get[A-Z]\w+\(".to_owned()),
        ("type values", r"\btype\b|^\s*(bool|int|double|string|list|map|null_type|bytes)\s*$".to_owned()),
        ("extension: math", r"\bmath\.".to_owned()),
        ("extension: encoders", r"\bbase64\.".to_owned()),
        ("extension: bindings", r"\bcel\.bind\b".to_owned()),
        ("extension: strings", format!(r"\bstrings\.|\.({strings})\s*\(")),
        (
            "extension: two-variable macros",
            r"\.(existsOne|transformList|transformMap)\(|\.(all|exists)\(\s*\w+\s*,\s*\w+\s*,".to_owned(),
        ),
    ]
    .into_iter()
    .map(|(name, pattern)| (name, Regex::new(&pattern).unwrap()))
    .collect()
}

fn feature(case: &Json, features: &[(&'static str, Regex)]) -> Option<&'static str> {
    let text = without_strings(case["expr"].as_str().unwrap());
    if let Some((name, _)) = features.iter().find(|(_, pattern)| pattern.is_match(&text)) {
        return Some(name);
    }
    if case.get("container").is_some() {
        return Some("containers");
    }
    let declares = case.get("declares").and_then(Json::as_array).into_iter().flatten();
    let bound = case.get("bindings").and_then(Json::as_object).into_iter().flat_map(|map| map.keys());
    if declares.filter_map(Json::as_str).chain(bound.map(String::as_str)).any(|name| name.contains('.')) {
        return Some("qualified variable names");
    }
    let everything = format!("{}{}", case.get("value").unwrap_or(&Json::Null), case["bindings"]);
    for (name, tag) in [("uint", "\"uint\":"), ("bytes", "\"bytesHex\":"), ("type values", "\"type\":")] {
        if everything.contains(tag) {
            return Some(name);
        }
    }
    None
}

/// The text with each literal (prefix kept) and quoted name made `§`, and without comments.
fn without_strings(text: &str) -> String {
    let literal = Regex::new(
        r#"(?s)(?i:r)("""(.*?)"""|'''(.*?)'''|"[^"]*"|'[^']*')|"""(\\.|.)*?"""|'''(\\.|.)*?'''|"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`[^`]*`|//[^\n]*"#,
    )
    .unwrap();
    let plain = literal.replace_all(
        text,
        |found: &regex::Captures<'_>| {
            if found[0].starts_with('/') { " " } else { "§" }
        },
    );
    // `in {…}` is a map, not a message called `in`.
    plain.replace(" in {", " § {")
}

fn judge(case: &Json) -> Result<(), String> {
    let mut bindings = Bindings::default();
    for (name, value) in case.get("bindings").and_then(Json::as_object).into_iter().flatten() {
        bindings.names.insert(name.clone(), bound(value));
    }
    let answer = parse(case["expr"].as_str().unwrap())
        .map_err(|error| error.to_string())
        .and_then(|expression| evaluate_typed(&expression, &bindings).map_err(|fault| fault.to_string()));
    match (case.get("value"), answer) {
        (None, Err(_)) => Ok(()),
        (None, Ok(value)) => Err(format!("should fail, is {value:?}")),
        (Some(expected), Err(error)) => Err(format!("should be {expected}, failed: {error}")),
        (Some(expected), Ok(value)) if is(expected, &value) => Ok(()),
        (Some(expected), Ok(value)) => Err(format!("should be {expected}, is {value:?}")),
    }
}

fn tagged(value: &Json) -> (&str, &Json) {
    let (tag, inner) = value.as_object().unwrap().iter().next().unwrap();
    (tag, inner)
}

fn bound(value: &Json) -> Json {
    match tagged(value) {
        ("int", inner) => inner.as_str().unwrap().parse::<i64>().unwrap().into(),
        ("double", inner) => inner.as_str().unwrap().parse::<f64>().unwrap().into(),
        ("list", inner) => inner.as_array().unwrap().iter().map(bound).collect(),
        ("map", inner) => {
            let entry = |pair: &Json| (bound(&pair[0]).as_str().unwrap().to_owned(), bound(&pair[1]));
            Json::Object(inner.as_array().unwrap().iter().map(entry).collect())
        }
        (_, inner) => inner.clone(),
    }
}

/// Whether the answer has the expected kind and value.
fn is(expected: &Json, value: &Value) -> bool {
    match (tagged(expected), value) {
        (("null", _), Value::Null) => true,
        (("bool", inner), Value::Bool(value)) => inner == value,
        (("int", inner), Value::Int(value)) => inner.as_str().unwrap() == value.to_string(),
        (("double", inner), Value::Double(value)) => {
            let inner: f64 = inner.as_str().unwrap().parse().unwrap();
            inner == *value || (inner.is_nan() && value.is_nan())
        }
        (("string", inner), Value::String(value)) => inner.as_str() == Some(value),
        (("list", inner), Value::List(value)) => {
            let inner = inner.as_array().unwrap();
            inner.len() == value.items().len()
                && inner.iter().zip(value.items()).all(|(left, right)| is(left, right))
        }
        (("map", inner), Value::Map(value)) => {
            let inner = inner.as_array().unwrap();
            inner.len() == value.entries().len()
                && inner
                    .iter()
                    .all(|pair| value.entries().get(&key(&pair[0])).is_some_and(|found| is(&pair[1], found)))
        }
        _ => false,
    }
}

fn key(value: &Json) -> Key {
    match tagged(value) {
        ("bool", inner) => Key::Bool(inner.as_bool().unwrap()),
        ("int", inner) => Key::Int(inner.as_str().unwrap().parse().unwrap()),
        (_, inner) => Key::String(inner.as_str().unwrap().into()),
    }
}

/// The control: a judge that agrees with everything would make the test above worthless.
#[test]
fn the_judge_tells_kinds_apart() {
    let case = |expr: &str, value: Json| serde_json::json!({ "expr": expr, "value": value });
    assert!(judge(&case("1", serde_json::json!({ "int": "1" }))).is_ok());
    assert!(judge(&case("1.0", serde_json::json!({ "int": "1" }))).is_err());
    assert!(judge(&case("'1'", serde_json::json!({ "int": "1" }))).is_err());
    assert!(judge(&case("1 / 0", serde_json::json!({ "int": "1" }))).is_err());
    assert!(judge(&serde_json::json!({ "expr": "1", "error": ["anything"] })).is_err());
    assert_eq!(feature(&case("r'\\' + 'uint'", Json::Null), &features()), None);
    assert_eq!(feature(&case("1 in {2: `type`}", Json::Null), &features()), None);
    assert_eq!(feature(&case("B'x'", Json::Null), &features()), Some("bytes"));
}
