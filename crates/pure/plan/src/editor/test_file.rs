//! What the keys of a test file (`*.test.yaml`) take.

use super::family;
use super::values::{duration, integer, literal, words};
use crate::test_file::act::{ACT, VERBS};
use crate::test_file::case::{API_VERSION, CASE, FILE, MOST_CASES};
use crate::test_file::expect::{ENDS, EXPECT, STATES, STEP};
use crate::test_file::stub::{FAILURES, STUB};
use dvt_model::code::Code;
use serde_json::{Value, json};

/// The whole document.
pub(super) fn schema() -> Value {
    family(&FILE, &["plan", "tests"], |key| {
        Some(match key {
            "apiVersion" => (json!({"const": API_VERSION}), "the version of the language"),
            "plan" => (literal(), "the plan, as a path from this file's folder"),
            "stubs" => (stubs(), "how steps end in every test that has no stub of its own for them"),
            "tests" => (
                json!({
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": MOST_CASES,
                    "additionalProperties": {"$ref": "#/definitions/test"},
                }),
                "the tests, by their names",
            ),
            "description" => (literal(), "what is tested, for people"),
            _ => return None,
        })
    })
}

/// One test.
pub(super) fn case() -> Value {
    family(&CASE, &["expect"], |key| {
        Some(match key {
            "inputs" => (json!({"type": "object"}), "what the run is given"),
            "stubs" => (stubs(), "how steps end; a stub here is the whole of it"),
            "acts" => (
                json!({"type": "array", "items": {"$ref": "#/definitions/act"}}),
                "what is done to the run while it goes on",
            ),
            "expect" => (expectation(), "what must come of it; only what is named is compared"),
            "description" => (literal(), "what is tested, for people"),
            _ => return None,
        })
    })
}

fn stubs() -> Value {
    let answer = json!({"$ref": "#/definitions/answer"});
    let answers = json!({"anyOf": [answer, {"type": "array", "minItems": 1, "items": answer}]});
    json!({"type": "object", "additionalProperties": answers})
}

/// How one attempt ends: in exactly one way.
pub(super) fn answer() -> Value {
    let mut schema = family(&STUB, &[], |key| {
        let failures: Vec<&str> = FAILURES.iter().map(|code| code.as_str()).collect();
        Some(match key {
            "output" => (json!({}), "it succeeds with this output"),
            "fail" => (words(&failures), "it fails with this code"),
            "exit" => (integer(1, 255), "the program ends with this status, and so the step fails"),
            "approve" => (integer(1, 100), "so many different people vote for it"),
            "reject" => (json!({"const": true}), "somebody refuses"),
            "silent" => (json!({"const": true}), "nobody answers; only the limits of the plan end it"),
            "lasts" => (duration(), "after so long on the test's clock; without it at once"),
            _ => return None,
        })
    });
    let ends = STUB.keys.iter().filter(|key| **key != "lasts").map(|key| json!({"required": [key]}));
    insert(&mut schema, "oneOf", ends.collect());
    schema
}

/// One deed at one moment.
pub(super) fn act() -> Value {
    let mut schema = family(&ACT, &["do"], |key| {
        let verbs: Vec<&str> = VERBS.iter().map(|(word, _)| *word).collect();
        Some(match key {
            "at" => (duration(), "so long after the run was queued"),
            "after" => (literal(), "once the newest attempt of this step has ended"),
            "during" => (literal(), "once this step has begun"),
            "do" => (words(&verbs), "what is done"),
            "step" => (literal(), "the step that is retried or skipped"),
            "name" => (literal(), "the name of the signal that is sent"),
            "payload" => (json!({}), "what the signal brings"),
            _ => return None,
        })
    });
    let moments = ["at", "after", "during"].iter().map(|key| json!({"required": [key]}));
    insert(&mut schema, "oneOf", moments.collect());
    let needs = |verbs: &[&str], key: &str| json!({"if": {"properties": {"do": {"enum": verbs}}, "required": ["do"]}, "then": {"required": [key]}});
    let all = json!([needs(&["RETRY_STEP", "SKIP_STEP"], "step"), needs(&["SEND"], "name")]);
    insert(&mut schema, "allOf", all);
    schema
}

fn expectation() -> Value {
    let mut schema = family(&EXPECT, &[], |key| {
        let ends: Vec<&str> = ENDS.iter().map(|(word, _)| *word).collect();
        Some(match key {
            "status" => (words(&ends), "how the run ends"),
            "code" => (code(), "the code of a run that fails"),
            "order" => (
                json!({"anyOf": [literal(), {"type": "array", "items": literal()}]}),
                "steps in the order in which they begin; others may stand between",
            ),
            "steps" => (json!({"type": "object", "additionalProperties": step()}), "how steps end"),
            "outputs" => (json!({"type": "object"}), "outputs of the plan"),
            _ => return None,
        })
    });
    insert(&mut schema, "minProperties", json!(1));
    schema
}

fn step() -> Value {
    let states: Vec<&str> = STATES.iter().map(|(word, _)| *word).collect();
    let keys = family(&STEP, &[], |key| {
        Some(match key {
            "status" => (words(&states), "its state"),
            "attempts" => (integer(1, 1_000), "its newest attempt"),
            "code" => (code(), "the code with which its newest attempt failed"),
            "output" => (json!({}), "its output"),
            _ => return None,
        })
    });
    json!({"anyOf": [words(&states), keys]})
}

fn code() -> Value {
    words(&Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>())
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Some(members) = schema.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}
