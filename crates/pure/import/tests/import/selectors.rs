//! Thirty answers of dbt's own selector: what runs of them is what we import.

use crate::corpus::{corpus, text};
use dvt_import::Error;
use dvt_import::dbt::{self, Form, Options};
use std::collections::BTreeSet;

const RUN: [&str; 5] = ["model.", "seed.", "snapshot.", "test.", "operation."];

/// `--select`, `--exclude` and `--resource-type` of a recorded command line.
fn arguments(line: &str) -> (Option<String>, Option<String>, Option<String>) {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    let mut word = String::new();
    for letter in line.chars().chain([' ']) {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            other => word.push(other),
        }
    }
    let value = |name: &str| {
        let from = words.iter().position(|word| word == name)? + 1;
        Some(
            words[from..]
                .iter()
                .take_while(|word| !word.starts_with("--"))
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    (value("--select"), value("--exclude"), value("--resource-type"))
}

#[test]
fn what_dbt_selects_is_what_is_imported() {
    let Some(folder) = corpus("dbt") else { return };
    let manifest = text(&folder.join("manifest/jaffle-shop_dbt1.10.23_v12.json.gz"));
    let mut matched = 0;
    for line in text(&folder.join("selectors_jaffle-shop.jsonl")).lines() {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let recorded = answer["args"].as_str().unwrap();
        let (select, exclude, kind) = arguments(recorded);
        let options = Options {
            form: Form::Simulated,
            select: select.as_deref(),
            exclude: exclude.as_deref(),
            tests_block: false,
        };
        let of_kind = |id: &str| kind.as_deref().is_none_or(|kind| id.starts_with(&format!("{kind}.")));
        let found: BTreeSet<String> = match dbt::import(&manifest, &options) {
            Ok(imported) => {
                let steps = imported.plan.get("steps").unwrap().entries().to_vec();
                let titles = steps.iter().filter_map(|(_, step)| match step.get("title") {
                    Some(dvt_import::Node::Text(title)) => Some(title.clone()),
                    _ => None,
                });
                titles.filter(|id| of_kind(id)).collect()
            }
            Err(Error::Empty) => BTreeSet::new(),
            Err(error) => panic!("{recorded}: {error}"),
        };
        let ids = answer["unique_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
        let expected: BTreeSet<String> =
            ids.filter(|id| RUN.iter().any(|kind| id.starts_with(kind))).collect();
        assert_eq!(found, expected, "{recorded}");
        matched += 1;
    }
    assert!(matched >= 30, "{matched}");
    println!("dbt selectors: {matched} answers matched");
}

#[test]
fn a_selection_that_cannot_be_read_is_refused() {
    let manifest = r#"{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v12.json"},
        "nodes":{"model.a.b":{"resource_type":"model","name":"b","package_name":"a","fqn":["a","b"],"depends_on":{"nodes":[]}}}}"#;
    for selection in ["state:modified", "tag:", "@b+", "test_type:odd"] {
        let options =
            Options { form: Form::Program, select: Some(selection), exclude: None, tests_block: false };
        assert!(matches!(dbt::import(manifest, &options), Err(Error::Selection { .. })), "{selection}");
    }
    let options = Options { form: Form::Program, select: Some("b"), exclude: None, tests_block: false };
    assert_eq!(dbt::import(manifest, &options).unwrap().report.steps, 1);
}

/// Methods that no recorded answer asks for: who may refer to a model, its group, its version, and this project.
#[test]
fn models_by_access_group_and_version() {
    let model = |name: &str, package: &str, more: &str| {
        format!(
            r#""model.{package}.{name}": {{"resource_type": "model", "name": "{name}", "package_name": "{package}",
                "fqn": ["{package}", "{name}"], "depends_on": {{"nodes": []}}{more}}}"#
        )
    };
    let nodes = [
        model("a", "shop", r#", "access": "public", "group": "finance""#),
        model("b", "shop", r#", "access": "private", "config": {"group": "figures"}"#),
        model("c", "other", r#", "access": "protected""#),
        model("v1", "shop", r#", "version": 1, "latest_version": 2"#),
        model("v2", "shop", r#", "version": 2, "latest_version": 2"#),
        model("v10", "shop", r#", "version": 10, "latest_version": 2"#),
    ];
    let metadata = r#"{"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "shop"}"#;
    let manifest = format!(r#"{{"metadata": {metadata}, "nodes": {{{}}}}}"#, nodes.join(","));
    let names = |selection: &str| -> Vec<String> {
        let options =
            Options { form: Form::Simulated, select: Some(selection), exclude: None, tests_block: false };
        let Ok(imported) = dbt::import(&manifest, &options) else { return Vec::new() };
        let steps = imported.plan.get("steps").unwrap().entries().to_vec();
        steps.into_iter().map(|(id, _)| id.rsplit('_').next().unwrap().to_owned()).collect()
    };
    for (selection, expected) in [
        ("access:public", vec!["a"]),
        ("access:private", vec!["b"]),
        ("group:fi*", vec!["a", "b"]),
        ("group:finance", vec!["a"]),
        ("version:latest", vec!["v2"]),
        ("version:old", vec!["v1"]),
        ("version:prerelease", vec!["v10"]),
        ("version:none,package:this", vec!["a", "b"]),
        ("package:other", vec!["c"]),
    ] {
        assert_eq!(names(selection), expected, "{selection}");
    }
    let options =
        Options { form: Form::Simulated, select: Some("version:newest"), exclude: None, tests_block: false };
    assert!(matches!(dbt::import(&manifest, &options), Err(Error::Selection { .. })));
}

/// What a schema that is not known here may say anew is not dropped without a word.
#[test]
fn a_schema_that_is_not_known_is_told() {
    let options = Options { form: Form::Simulated, select: None, exclude: None, tests_block: false };
    let told = |version: &str| {
        let manifest = format!(
            r#"{{"metadata": {{"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/{version}.json"}},
            "nodes": {{"model.a.b": {{"resource_type": "model", "name": "b", "package_name": "a", "fqn": ["a", "b"]}}}}}}"#
        );
        dbt::import(&manifest, &options).unwrap().report.lost
    };
    for version in ["v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12"] {
        assert!(told(version).is_empty(), "{version}");
    }
    for version in ["v1", "v13", "v20"] {
        let lost = told(version);
        assert_eq!((lost.len(), lost[0].what.as_str()), (1, "dbt_schema_version"), "{version}");
        assert!(lost[0].named[0].ends_with(&format!("/{version}.json at 1:37")), "{lost:?}");
    }
}
