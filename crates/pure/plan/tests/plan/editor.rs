//! The schema for editors: that the committed file is fresh, that every key says what it is for, and, by a validator that is not
//! ours, that it takes every plan that we take and refuses what is wrong in one place.

use crate::catalogue;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// The beginnings of names in the refused catalogue whose faults a schema can see.
const STRUCTURAL: &[&str] = &[
    "api-version",
    "p005-",
    "p006-",
    "p008-",
    "p009-",
    "p014-",
    "p015-",
    "p017-",
    "p018-",
    "concurrency",
    "dialects",
    "list",
];

#[test]
fn the_committed_schemas_are_fresh() {
    for (name, schema, command) in [
        ("dvt-plan.v1.schema.json", dvt_plan::editor::schema(), "dvt plan schema"),
        ("dvt-plan-test.v1.schema.json", dvt_plan::editor::test_schema(), "dvt plan schema --tests"),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs").join(name);
        let fresh = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("DVT_BLESS").is_some() {
            std::fs::write(&file, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == fresh, "write it again: {command} > docs/{name}");
    }
}

#[test]
fn every_key_says_what_it_takes_and_what_it_is_for() {
    fn walk(value: &Value, path: &str, counted: &mut usize) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object)
            && value.get("additionalProperties") == Some(&json!(false))
        {
            for (key, schema) in properties {
                let description = schema["description"].as_str().unwrap_or_default();
                assert!(
                    !description.is_empty(),
                    "{path}.{key} is in the reader's table, and unknown to the schema"
                );
                *counted += 1;
            }
        }
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, inner)| walk(inner, &format!("{path}.{key}"), counted))
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, path, counted)),
            _ => {}
        }
    }
    let mut counted = 0;
    walk(&dvt_plan::editor::schema(), "schema", &mut counted);
    assert!(counted > 100);
    let of_plans = counted;
    walk(&dvt_plan::editor::test_schema(), "schema", &mut counted);
    assert!(counted > of_plans + 30);
    println!("schema: {of_plans} keys of plans and {} of their tests described", counted - of_plans);
}

/// What the validator says of each document: nothing, or its first fault.
pub(crate) fn validated(schema: &Value, documents: &[(String, Value)]) -> Option<Vec<Option<String>>> {
    let program = "
import json, sys
import jsonschema
asked = json.load(sys.stdin)
jsonschema.Draft7Validator.check_schema(asked['schema'])
validator = jsonschema.Draft7Validator(asked['schema'])
first = lambda one: next((f'{error.json_path}: {error.message[:200]}' for error in validator.iter_errors(one)), None)
json.dump([first(one) for one in asked['documents']], sys.stdout)
";
    let has = Command::new("python3").args(["-c", "import jsonschema"]).stderr(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        let missing =
            "the schema's validator needs Python with `jsonschema`: apt-get install python3-jsonschema";
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("schema: {missing}; left out here");
        return None;
    }
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let values: Vec<&Value> = documents.iter().map(|(_, value)| value).collect();
    let asked = json!({"schema": schema, "documents": values});
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn an_independent_validator_takes_what_we_take_and_refuses_what_is_wrong_in_one_place() {
    let (mut documents, mut good) = (Vec::new(), Vec::new());
    let mut all = catalogue("accepted", &["yaml", "json"]);
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
    crate::format::below(&examples, "yaml", &mut all);
    all.retain(|(path, _)| !path.to_string_lossy().ends_with(".test.yaml"));
    all.retain(|(_, text)| text.contains("apiVersion: dvt/v1") || text.contains("\"apiVersion\""));
    for (path, text) in &all {
        good.push(true);
        documents.push((path.display().to_string(), dvt_plan::value(text).unwrap()));
    }
    for (path, text) in catalogue("refused", &["yaml"]) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if STRUCTURAL.iter().any(|start| name.starts_with(start)) {
            good.push(false);
            documents.push((name, dvt_plan::value(&text).unwrap()));
        }
    }
    let Some(found) = validated(&dvt_plan::editor::schema(), &documents) else { return };
    let mut wrong = Vec::new();
    for ((expected, (name, _)), fault) in good.iter().zip(&documents).zip(&found) {
        if *expected != fault.is_none() {
            wrong.push(format!("{name}: {fault:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let taken = good.iter().filter(|good| **good).count();
    println!("schema: {taken} plans taken, {} refused by jsonschema", good.len() - taken);
    assert!(taken >= 12 && good.len() - taken >= 10);
}

/// Documents that are wrong in one place, each of which both the reader and the schema refuse.
const WRONG_TESTS: &[&str] = &[
    "{ tests: { a: { expect: { status: COMPLETED } } } }",
    "{ plan: p.yaml, tests: {} }",
    "{ plan: p.yaml, test: { a: { expect: { status: COMPLETED } } } }",
    "{ plan: p.yaml, apiVersion: dvt/v2, tests: { a: { expect: { status: COMPLETED } } } }",
    "{ plan: p.yaml, tests: { a: {} } }",
    "{ plan: p.yaml, tests: { a: { expect: {} } } }",
    "{ plan: p.yaml, tests: { a: { expect: { status: DONE } } } }",
    "{ plan: p.yaml, tests: { a: { expect: { steps: { b: DONE } } } } }",
    "{ plan: p.yaml, tests: { a: { expect: { steps: { b: { attempts: 0 } } } } } }",
    "{ plan: p.yaml, tests: { a: { expect: { code: NO_SUCH_CODE } } } }",
    "{ plan: p.yaml, stubs: { b: { exit: 0 } }, tests: { a: { expect: { status: FAILED } } } }",
    "{ plan: p.yaml, stubs: { b: { exit: 1, fail: TIMEOUT } }, tests: { a: { expect: { status: FAILED } } } }",
    "{ plan: p.yaml, stubs: { b: [] }, tests: { a: { expect: { status: FAILED } } } }",
    "{ plan: p.yaml, stubs: { b: { silent: false } }, tests: { a: { expect: { status: FAILED } } } }",
    "{ plan: p.yaml, stubs: { b: { fail: RUN_TIMEOUT } }, tests: { a: { expect: { status: FAILED } } } }",
    "{ plan: p.yaml, tests: { a: { acts: [{ do: CANCEL }], expect: { status: FAILED } } } }",
    "{ plan: p.yaml, tests: { a: { acts: [{ at: 1s, after: b, do: CANCEL }], expect: { status: FAILED } } } }",
    "{ plan: p.yaml, tests: { a: { acts: [{ at: 1s, do: SKIP_STEP }], expect: { status: FAILED } } } }",
    "{ plan: p.yaml, tests: { a: { acts: [{ at: 1s, do: SEND }], expect: { status: FAILED } } } }",
    "{ plan: p.yaml, tests: { a: { acts: [{ at: soon, do: CANCEL }], expect: { status: FAILED } } } }",
];

#[test]
fn the_schema_of_test_files_takes_every_one_of_ours_and_refuses_what_the_reader_refuses() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
    let mut all = Vec::new();
    crate::format::below(&examples, "yaml", &mut all);
    all.retain(|(path, _)| path.to_string_lossy().ends_with(".test.yaml"));
    let of_examples = all.len();
    let all = all.into_iter().map(|(path, text)| (path.display().to_string(), text));
    let wrong = WRONG_TESTS.iter().map(|text| ((*text).to_owned(), (*text).to_owned()));
    let mut documents = Vec::new();
    for (name, text) in all.chain(wrong) {
        let source = dvt_plan::diagnostic::Source { name: name.clone(), text: text.clone() };
        let read = dvt_plan::test_file::read(&source);
        assert_eq!(read.file.is_some(), documents.len() < of_examples, "{name}: {:?}", read.diagnostics);
        documents.push((name, dvt_plan::value(&text).unwrap()));
    }
    let Some(found) = validated(&dvt_plan::editor::test_schema(), &documents) else { return };
    let mut wrong = Vec::new();
    for (at, ((name, _), fault)) in documents.iter().zip(&found).enumerate() {
        if fault.is_none() != (at < of_examples) {
            wrong.push(format!("{name}: {fault:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("schema: {of_examples} test files taken, {} refused by jsonschema", found.len() - of_examples);
    assert!(of_examples >= 3);
}
