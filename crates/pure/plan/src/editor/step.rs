//! What the keys of a step take. That a step has exactly one form, and which keys belong to which form, is from the reader's tables.

use super::values::{ID, NAME, duration, integer, literal, size, some_duration, strings, tags, words};
use super::{Key, family};
use crate::document::form::{FORMS, KEYS_OF_FORMS, NOOP, WITH, WORK};
use crate::document::{approval, classes, foreach, retry as retries, secrets, signal, step_limits, steps};
use crate::plan::MOST_ITEMS;
use dvt_model::action::Role;
use dvt_model::interpreter::LOADERS;
use serde_json::{Map, Value, json};

/// A step.
pub(super) fn step() -> Value {
    let mut dependent = belongings();
    for key in ["key", "maxParallel", "exclude"] {
        dependent.insert(key.to_owned(), json!(["foreach"]));
    }
    whole(family(&steps::WRITTEN, &[], key), FORMS, &dependent)
}

/// What undoes a step.
pub(super) fn compensation() -> Value {
    whole(family(&steps::UNDO, &[], key), WORK, &belongings())
}

fn whole(mut schema: Value, forms: &[&str], dependent: &Map<String, Value>) -> Value {
    if let Some(map) = schema.as_object_mut() {
        map.insert("oneOf".to_owned(), having(forms));
        map.insert("dependencies".to_owned(), json!(dependent));
        map.insert("if".to_owned(), json!({"properties": {"uses": {"const": NOOP}}, "required": ["uses"]}));
        let with = family(&WITH, &[], |key| {
            Some(match key {
                "simulate" => (duration(), "how long it seems to work"),
                "output" => (json!({}), "what it gives"),
                _ => return None,
            })
        });
        map.insert("then".to_owned(), json!({"properties": {"with": with}}));
    }
    schema
}

fn having(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({"required": [key]})).collect()
}

fn belongings() -> Map<String, Value> {
    KEYS_OF_FORMS.iter().map(|(key, forms)| ((*key).to_owned(), json!({"anyOf": having(forms)}))).collect()
}

/// `retry`
pub(super) fn retry() -> Value {
    let classes = words(&["failure", "timeout", "transient"]);
    let exit = family(&retries::EXIT, &["exit"], |key| {
        let status = integer(1, 255);
        let list = json!({"anyOf": [status, {"type": "array", "minItems": 1, "items": status}]});
        (key == "exit").then_some((list, "exit codes that are tried again"))
    });
    let on = json!({"anyOf": [classes, exit]});
    let keys = family(&retries::FAMILY, &["max"], |key| {
        Some(match key {
            "max" => (integer(0, retries::MOST_RETRIES), "retries after the first attempt"),
            "backoff" => (words(&["constant", "linear", "exponential"]), "how pauses grow"),
            "initial" => (duration(), "the first pause"),
            "ceiling" => (duration(), "the longest pause"),
            "jitter" => (words(&["full", "none"]), "whether pauses are spread"),
            "on" => (
                json!({"anyOf": [on, {"type": "array", "minItems": 1, "items": on}]}),
                "failures that are tried again",
            ),
            _ => return None,
        })
    });
    json!({"anyOf": [integer(0, retries::MOST_RETRIES), keys]})
}

/// Classes of data.
pub(super) fn class() -> Value {
    json!({"enum": classes::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>()})
}

fn role() -> Value {
    let roles = Role::ALL.iter().filter(|role| **role != Role::System).map(|role| role.as_str());
    json!({"enum": roles.collect::<Vec<_>>()})
}

/// Names that belong to DVT, and those that decide what code runs.
fn loaders() -> String {
    format!("^(DVT_|LD_|DYLD_)|^({})$", LOADERS.join("|"))
}

fn key(key: &str) -> Option<Key> {
    form(key).or_else(|| common(key))
}

fn form(key: &str) -> Option<Key> {
    Some(match key {
        "run" => (
            json!({
                "type": "array",
                "minItems": 1,
                "maxItems": 1_025,
                "items": [{"type": "string", "pattern": "\\S", "not": {"pattern": "\\$\\{\\{"}}],
                "additionalItems": {"type": ["string", "number", "boolean"]},
            }),
            "a program and its arguments; never split, never read by a shell",
        ),
        "script" => (
            json!({"type": "string", "pattern": "\\S", "not": {"pattern": "\\$\\{\\{"}}),
            "a literal text for the `shell`; data comes in by `env`",
        ),
        "shell" => (words(&["bash", "sh", "python"]), "what reads the script"),
        "uses" => (
            json!({"type": "string", "pattern": "^[^@]+@[^@]+$", "examples": [NOOP]}),
            "a plugin, as `name@version`",
        ),
        "plan" => (
            json!({"type": "string", "pattern": "^(\\./.+|[A-Za-z][A-Za-z0-9_-]{0,63}@[0-9].*)$"}),
            "another plan: `name@version`, or `./load.yaml` while developing",
        ),
        "wait" => (duration(), "a durable timer"),
        "waitUntil" => (json!({"type": "string"}), "a moment (RFC 3339), or an expression that gives one"),
        "approval" => (
            family(&approval::FAMILY, &["role"], |key| {
                Some(match key {
                    "role" => (role(), "who may decide"),
                    "min" => (integer(1, 100), "how many different people must agree"),
                    "not" => (words(&["initiator"]), "who may not decide"),
                    _ => return None,
                })
            }),
            "a decision of people, recorded",
        ),
        "signal" => {
            let name = json!({"type": "string", "pattern": ID});
            let keys = family(&signal::FAMILY, &["name"], |key| {
                Some(match key {
                    "name" => (name.clone(), "the name of the signal"),
                    "role" => (role(), "who may send it"),
                    "schema" => (json!({"$ref": "#/definitions/schema"}), "the schema of its payload"),
                    _ => return None,
                })
            });
            (json!({"anyOf": [name, keys]}), "waits for a named signal")
        }
        _ => return None,
    })
}

fn common(key: &str) -> Option<Key> {
    Some(match key {
        "with" => {
            (json!({}), "what the program reads on its standard input, the plugin or sub-plan as inputs")
        }
        "env" => (
            json!({"type": "object", "propertyNames": {
                "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$",
                "not": {"pattern": loaders()},
            }}),
            "the environment, all of it; expressions are data here",
        ),
        "secrets" => (
            json!({"type": "object", "additionalProperties": {"anyOf": [
                literal(),
                family(&secrets::FAMILY, &["ref"], |key| Some(match key {
                    "ref" => (literal(), "which secret"),
                    "as" => (words(&["file", "env"]), "how it arrives"),
                    _ => return None,
                })),
            ]}}),
            "secrets by the name under which they arrive",
        ),
        "output" => (words(&["text", "lines", "json"]), "take standard output as the output"),
        "outputs" => (
            json!({"$ref": "#/definitions/schema"}),
            "the schema of the output; references are checked by it",
        ),
        "timeout" => (some_duration(), "the longest time of one attempt"),
        "retry" => (retry(), "how often, and when, it is tried again"),
        "tier" => (words(&["host", "contained", "sealed"]), "the weakest wall that this step accepts"),
        "limits" => (
            family(&step_limits::FAMILY, &[], |key| {
                Some(match key {
                    "memory" => (size(), "memory"),
                    "cpu" => {
                        (json!({"type": "number", "minimum": 0.001, "maximum": 1024}), "CPUs, such as 0.5")
                    }
                    "output" => (size(), "the size of the output"),
                    _ => return None,
                })
            }),
            "what the step may use",
        ),
        "scratch" => (json!({"type": "boolean"}), "whether the step sees the run's scratch folder"),
        "title" => (json!({"type": "string"}), "a title for people; expressions may stand in it"),
        "description" => (literal(), "what the step does, for people"),
        "needs" => (strings(&json!({"type": "string", "pattern": ID}), 50_000), "steps that come before"),
        "if" => (json!({"type": ["string", "boolean"]}), "an expression: whether the step runs"),
        "foreach" => (
            {
                let list = json!({"type": ["string", "array"], "pattern": "\\S", "maxItems": MOST_ITEMS});
                json!({
                    "type": ["string", "array", "object"],
                    "pattern": "\\S",
                    "maxItems": MOST_ITEMS,
                    "minProperties": 1,
                    "maxProperties": foreach::MOST_LISTS,
                    "propertyNames": {"pattern": NAME},
                    "additionalProperties": list,
                })
            },
            "a list, an expression that gives one, or an object of lists (their product)",
        ),
        "key" => (json!({"type": "string"}), "an expression that names each item in logs and status"),
        "maxParallel" => (integer(1, 10_000), "items at once"),
        "exclude" => (json!({"type": "array"}), "items of the product that are left out"),
        "continueOnError" => (json!({"type": "boolean"}), "whether the run goes on where this step fails"),
        "compensate" => {
            (json!({"$ref": "#/definitions/compensation"}), "what undoes the step after a failure")
        }
        "dataClass" => (class(), "the class of the step's output"),
        "subject" => (json!({"type": ["string", "number"], "pattern": "\\S"}), "whose personal data this is"),
        "declassify" => (
            json!({"type": "string", "pattern": "\\S", "not": {"pattern": "\\$\\{\\{"}}),
            "the reason why the output is less protected than what it was made of",
        ),
        "tags" => (tags(), "words for selecting"),
        _ => return None,
    })
}
