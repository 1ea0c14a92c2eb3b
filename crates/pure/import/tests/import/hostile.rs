//! Text of a foreign file never becomes code, and no file makes an importer panic.

use crate::corpus::corpus;
use dvt_import::dbt::{Form, Options};
use dvt_import::{argo, dbt, github, wfcommons};
use dvt_plan::diagnostic::Source;
use serde_json::json;

const ALL: Options<'static> = Options { form: Form::Program, select: None, exclude: None };

/// Names that would be an expression, another key, a second document, an option or a shell command if they could.
const HOSTILE: [&str; 8] = [
    "${{ inputs.x }}",
    "a\n  evil: { run: [sh, -c, id] }",
    "\"\n---\nname: other",
    "$(touch /tmp/x)",
    "--flag",
    "'; DROP TABLE x; --",
    "\u{2028}key: value",
    "#{} & * ! | > % @ `",
];

#[test]
fn hostile_names_stay_names() {
    for name in HOSTILE {
        let instance = json!({"name": name, "workflow": {"specification": {"tasks": [
            {"id": name, "parents": []}, {"id": "other", "parents": [name]}]}}});
        let imported = wfcommons::import(&instance.to_string()).unwrap();
        assert_eq!(steps(&imported.text(name)), 2, "{name}");

        let id = format!("model.shop.{name}");
        let manifest = json!({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": name},
            "nodes": {id: {"resource_type": "model", "name": name, "package_name": name, "fqn": [name, name],
                "original_file_path": format!("{name}/x.sql"), "tags": [name], "depends_on": {"nodes": []}}}});
        let imported = dbt::import(&manifest.to_string(), &ALL).unwrap();
        assert_eq!(steps(&imported.text(name)), 1, "{name}");
    }
}

/// The steps of a plan that has no expression in it.
fn steps(text: &str) -> usize {
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.to_owned() });
    let checked = outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics));
    assert!(!checked.canonical.to_string().contains("${{"), "{text}");
    checked.plan.steps.len()
}

#[test]
fn hostile_texts_of_workflows_stay_texts() {
    for name in HOSTILE {
        let workflow = json!({"name": name, "on": "push", "jobs": {"a": {"name": name, "env": {"X": name, name: "y"},
            "steps": [{"name": name, "run": "true", "env": {"Y": name}}, {"uses": name, "with": {name: name}}]}}});
        let imported = github::import(&workflow.to_string()).unwrap();
        let text = imported.text(name);
        let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
        let checked = outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics));
        assert_eq!(checked.plan.steps.len(), 2, "{text}");
        for step in checked.plan.steps.values() {
            if let dvt_plan::plan::Form::Script { text, .. } = &step.form {
                assert!(text == "true" || text == "echo \"$MISSING\" >&2\nexit 1\n", "{text}");
            }
        }
        let workflow = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name},
            "spec": {"entrypoint": name, "templates": [{"name": name, "inputs": {"parameters": [{"name": name, "value": name}]},
                "container": {"image": name, "command": ["echo"], "args": [name], "env": [{"name": "X", "value": name}]}}]}});
        let imported = argo::import(&workflow.to_string()).unwrap();
        assert_eq!(steps(&imported.text(name)), 1, "{name}");
    }
}

#[test]
fn what_is_no_manifest_or_instance_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "null",
        "{\"workflow\":{}}",
        "{\"nodes\":{}}",
        "{\"workflow\":{\"tasks\":[{}]}}",
        "\u{feff}{",
    ] {
        assert!(wfcommons::import(text).is_err() && dbt::import(text, &ALL).is_err(), "{text}");
        assert!(argo::import(text).is_err() && github::import(text).is_err(), "{text}");
    }
    let twice = r#"{"workflow":{"tasks":[{"name":"a"},{"name":"a"}]}}"#;
    assert!(wfcommons::import(twice).unwrap_err().to_string().contains("two tasks"));
}

#[test]
fn no_file_of_the_corpus_makes_an_importer_panic() {
    let mut read = 0;
    for folder in ["plans", "serverless-workflow", "injection"] {
        let Some(folder) = corpus(folder) else { return };
        let mut open = vec![folder];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                // What is no document of this kind is an error, and nothing else is asked here.
                drop((
                    wfcommons::import(&text),
                    dbt::import(&text, &ALL),
                    argo::import(&text),
                    github::import(&text),
                ));
                drop(dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text }));
                read += 1;
            }
        }
    }
    assert!(read >= 300, "{read}");
    println!("{read} files, no panic in the plan reader and four importers");
}
