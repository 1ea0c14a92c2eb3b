//! `dvt lint --sarif` against the schema of SARIF 2.1.0, by a validator that is not ours.

use crate::home::{Home, repository};
use crate::validator;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../testdata/sarif/sarif-2.1.0-rtm.5.json");

/// The first fault of each log; nothing at all where the validator is absent, which only a person's machine may be.
fn faults(logs: &[Value]) -> Option<Vec<Option<String>>> {
    let program = "
import json, sys
import jsonschema
asked = json.load(sys.stdin)
validator = jsonschema.Draft4Validator(asked['schema'])
first = lambda one: next((f'{error.json_path}: {error.message[:200]}' for error in validator.iter_errors(one)), None)
json.dump([first(one) for one in asked['logs']], sys.stdout)
";
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let found = validator::answers(program, &json!({"schema": schema, "logs": logs}))?;
    Some(serde_json::from_value(found).unwrap())
}

#[test]
fn every_log_is_one_of_the_schema_and_a_broken_one_is_not() {
    let home = Home::new();
    let refused = repository().join("crates/pure/plan/tests/refused");
    let mut files: Vec<String> = std::fs::read_dir(&refused)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path: std::path::PathBuf| path.display().to_string())
        .collect();
    files.sort();
    let asked: Vec<&str> =
        ["lint", "--security", "--sarif"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let whole = home.dvt(&asked).ends(2).json();
    let results = whole["runs"][0]["results"].as_array().unwrap().len();
    assert!(results > files.len() / 2, "{results} results of {} files", files.len());
    let odd =
        home.plan("a b", "apiVersion: dvt/v1\nname: ü\nsteps:\n  a: { run: [echo, 🦀], needs: gone }\n");
    let odd = home.dvt(&["lint", "--sarif", &odd]).ends(2).json();
    let clean = home.dvt(&["lint", "--sarif", &home.plan("clean", crate::home::QUICK)]).ends(0).json();
    // The control: what the schema forbids is found.
    let mut broken = odd.clone();
    broken["runs"][0]["results"][0]["level"] = json!("fatal");
    let mut nameless = odd.clone();
    nameless["runs"][0]["tool"]["driver"].as_object_mut().unwrap().remove("name");
    let Some(found) = faults(&[whole, odd, clean, broken, nameless]) else { return };
    let [whole, odd, clean, broken, nameless] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((whole, odd, clean), (&None, &None, &None));
    assert!(broken.as_ref().is_some_and(|fault| fault.contains("fatal")), "{broken:?}");
    assert!(nameless.as_ref().is_some_and(|fault| fault.contains("name")), "{nameless:?}");
    println!("sarif: {results} results of {} files are as the schema has them", files.len());
}
