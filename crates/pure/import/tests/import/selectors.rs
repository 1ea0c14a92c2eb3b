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
        let options =
            Options { form: Form::Simulated, select: select.as_deref(), exclude: exclude.as_deref() };
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
        let options = Options { form: Form::Program, select: Some(selection), exclude: None };
        assert!(matches!(dbt::import(manifest, &options), Err(Error::Selection { .. })), "{selection}");
    }
    let options = Options { form: Form::Program, select: Some("b"), exclude: None };
    assert_eq!(dbt::import(manifest, &options).unwrap().report.steps, 1);
}
