//! What commands print as data is what its schema says (`dvt explain --results`), in the eyes of an independent validator.

use crate::home::{Home, repository};
use crate::validator;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One result, or one line of one, and the definition that it must be of.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    definition: String,
    data: Value,
}

impl Given {
    /// What a verb gave in a shape.
    pub(crate) fn new(words: &str, output: &str, data: Value) -> Self {
        let (whole, line) = (format!("dvt {words}"), format!("dvt {words}, a line"));
        let has_lines = output == "jsonl" && schema()["definitions"].get(&line).is_some();
        Self { definition: if has_lines { line } else { whole }, data }
    }

    /// What stands on standard error in place of a result.
    fn refusal(data: Value) -> Self {
        Self { definition: "dvt, a refusal".to_owned(), data }
    }
}

fn schema() -> Value {
    let path = repository().join("docs/dvt-results.v1.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What the validator says of each: nothing, or its first fault. A member that the schema does not name is one, for here it is
/// forgotten; to whoever reads results it is a later release's.
fn validated(given: &[Given]) -> Option<Vec<Option<String>>> {
    let program = "
import json, sys
import jsonschema
asked = json.load(sys.stdin)
schema = asked['schema']
jsonschema.Draft7Validator.check_schema(schema)
def close(part):
    if isinstance(part, dict):
        if part.get('type') == 'object' and 'properties' in part:
            part['additionalProperties'] = False
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            close(inner)
close(schema)
def first(definition, data):
    if definition not in schema['definitions']:
        return 'the schema has no ' + definition
    one = dict(schema, **{'$ref': '#/definitions/' + definition})
    error = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(one).iter_errors(data))
    return error and f'{error.json_path}: {error.message[:300]}'
json.dump([first(*one) for one in asked['given']], sys.stdout)
";
    let pairs: Vec<Value> = given.iter().map(|one| json!([one.definition, one.data])).collect();
    let found = validator::answers(program, &json!({"schema": schema(), "given": pairs}))?;
    Some(serde_json::from_value(found).unwrap())
}

/// The same result without one of the members that it must have, and with one that it does not have.
fn broken(one: &Given) -> Vec<Given> {
    let Some(members) = one.data.as_object() else { return Vec::new() };
    let more = members.clone().into_iter().chain([("unheardOf".to_owned(), json!(1))]).collect();
    vec![Given { data: json!({}), ..one.clone() }, Given { data: Value::Object(more), ..one.clone() }]
}

/// Fails where a result is not what the schema says; with `all`, where the schema tells of a verb that gave none.
#[track_caller]
pub(crate) fn hold(given: &[Given], all: bool) {
    // Control: what is broken in one place is refused. A schema may be of anything, and only the one of plans is.
    let known: BTreeSet<&str> = given.iter().map(|one| one.definition.as_str()).collect();
    let is_open = |definition: &str| ["dvt plan schema", "dvt explain"].contains(&definition);
    let controls: Vec<Given> =
        given.iter().filter(|one| !is_open(&one.definition)).flat_map(broken).collect();
    let Some(found) = validated(&[given, &controls].concat()) else { return };
    let (of_given, of_controls) = found.split_at(given.len());
    let wrong: Vec<String> = given
        .iter()
        .zip(of_given)
        .filter_map(|(one, fault)| {
            fault.as_ref().map(|fault| format!("{}: {fault}\n{}", one.definition, one.data))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), given.len(), wrong.join("\n"));
    let missed: Vec<&Given> =
        controls.iter().zip(of_controls).filter(|(_, fault)| fault.is_none()).map(|(one, _)| one).collect();
    assert!(missed.is_empty() && !controls.is_empty(), "taken though broken: {missed:#?}");
    println!(
        "schema: {} results of {} definitions, {} broken ones refused",
        given.len(),
        known.len(),
        controls.len()
    );
    if all {
        let schema = schema();
        let told = schema["definitions"].as_object().unwrap().keys();
        let unseen: Vec<&String> =
            told.filter(|name| name.starts_with("dvt ") && !known.contains(name.as_str())).collect();
        assert!(unseen.is_empty(), "of these nothing was given: {unseen:?}");
    }
}

const FAILS: &str = "apiVersion: dvt/v1\nname: fails\nsteps:\n  one: { run: ['false'] }\n  two: { needs: one, uses: dvt/noop@1 }\n";
const GATE: &str = "apiVersion: dvt/v1\nname: gate\nsteps:\n  release: { approval: { role: operator } }\n";

/// What the first examples do not show: refusals, failures, looks before acts, runs in between.
#[test]
fn results_of_another_kind_are_what_the_schema_says() {
    let home = Home::new();
    std::os::unix::fs::symlink(repository().join("examples"), home.path("examples")).unwrap();
    let (fails, gate) = (home.plan("fails", FAILS), home.plan("gate", GATE));
    let broken = home.plan("broken", "apiVersion: dvt/v1\nname: broken\nsteps: 7\n");
    let etl = "examples/orders-etl/plan.yaml";
    let table: &[(&str, &[&str], i32)] = &[
        ("run", &[etl, "--dry-run"], 0),
        ("run", &[&broken], 2),
        ("run", &["examples/conditions/plan.yaml"], 0),
        ("run", &[&fails, "--allow-host"], 1),
        ("runs get", &["@latest"], 0),
        ("runs why", &["@latest"], 0),
        ("runs retry", &["@latest", "--dry-run", "--allow-host"], 0),
        ("plan publish", &[etl, "--as", "1.0.0", "--dry-run"], 0),
        ("plan publish", &[&broken, "--as", "1.0.0"], 2),
        ("plan publish", &[etl, "--as", "1.0.0"], 0),
        ("plan get", &["orders-etl", "--document"], 0),
        ("plan stats", &[&broken], 2),
        ("plan diff", &[etl, "examples/conditions/plan.yaml"], 0),
        ("plan test", &["examples/orders-etl/plan.test.yaml"], 0),
        ("lint", &[&broken, etl], 2),
        ("fmt", &[&broken, "--check"], 0),
        ("explain", &["NOT_FOUND"], 0),
        ("explain", &[], 0),
        ("access explain", &["me", "RUN_READ_STATUS", "@latest"], 0),
        ("access explain", &["me", "TENANT_CREATE"], 0),
        ("data hold place", &["@latest", "--dry-run"], 0),
        ("data hold place", &["@latest", "-m", "case 7"], 0),
        ("data hold list", &[], 0),
        ("data hold release", &["@latest", "--dry-run"], 0),
        ("data hold release", &["@latest", "-m", "it has ended"], 0),
        ("data retention set", &["log", "30", "--dry-run"], 0),
        ("data retention set", &["log", "30"], 0),
        ("data sweep", &["--dry-run"], 0),
        ("tenant approval set", &["operator", "--dry-run"], 0),
        ("tenant approval set", &["operator", "-m", "two pairs of eyes"], 0),
        ("tenant approval get", &[], 0),
        ("tenant approval remove", &["--dry-run"], 0),
        ("tenant approval remove", &["-m", "one pair is enough"], 0),
        ("run", &[&gate, "--detach"], 0),
        ("runs get", &["@latest"], 0),
        ("runs why", &["@latest"], 0),
        ("runs list", &["--limit", "1"], 0),
        ("runs approve", &["@latest", "release", "--dry-run"], 0),
        ("runs pause", &["@latest", "--dry-run"], 0),
        ("runs cancel", &["@latest", "--dry-run"], 0),
        ("runs stop", &["@latest", "--dry-run"], 0),
        ("runs approve", &["@latest", "release", "-m", "looked at"], 0),
    ];
    let (mut given, mut wrong) = (Vec::new(), Vec::new());
    for output in ["json", "jsonl"] {
        for (words, more, code) in table {
            let words_of: Vec<&str> = words.split(' ').collect();
            let told = home.dvt(&[&words_of, *more, &["--output", output]].concat());
            // Where nothing is the result there is a refusal beside it.
            let is_refused = told.out.is_empty();
            let text = if is_refused { &told.err } else { &told.out };
            let data: Result<Vec<Value>, _> = match output {
                "json" => serde_json::from_str(text).map(|data| vec![data]),
                _ => text.lines().map(serde_json::from_str).collect(),
            };
            match data {
                Ok(data) if told.code == *code && !data.is_empty() && (!is_refused || *code != 0) => {
                    let of = |data| {
                        if is_refused { Given::refusal(data) } else { Given::new(words, output, data) }
                    };
                    given.extend(data.into_iter().map(of));
                }
                _ => wrong.push(format!("{words} {more:?} --output {output}: {told:#?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    hold(&given, false);
}
