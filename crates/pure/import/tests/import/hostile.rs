//! Text of a foreign file never becomes code, and no file makes an importer panic.

use crate::corpus::{corpus, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dvt_import::dbt::{Form, Options};
use dvt_import::{argo, dbt, github, wfcommons};
use dvt_plan::diagnostic::Source;
use serde_json::json;

const ALL: Options<'static> =
    Options { form: Form::Program, select: None, exclude: None, tests_block: false };

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
    assert!(!checked.canonical.value().to_string().contains("${{"), "{text}");
    checked.plan.steps.len()
}

/// A name that dbt would read as a selection of other nodes is not handed to it.
#[test]
fn a_name_that_selects_other_nodes_is_not_handed_to_dbt() {
    for (name, handed) in [
        ("orders", true),
        ("orders.v2", true),
        ("a b", false),
        ("a,tag:x", false),
        ("a+", false),
        ("*", false),
        ("", false),
    ] {
        let manifest = json!({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
            "nodes": {"model.shop.x": {"resource_type": "model", "name": name, "package_name": "shop", "fqn": ["shop", name],
                "depends_on": {"nodes": []}}}});
        let imported = dbt::import(&manifest.to_string(), &ALL).unwrap();
        assert_eq!(imported.report.missing, u64::from(!handed), "{name}");
        assert_eq!(imported.text("x").contains("DBT_SELECTION: "), handed, "{name}");
        assert_eq!(imported.report.lost.iter().any(|loss| loss.what == "fqn"), !handed, "{name}");
    }
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
                assert!(
                    text == "set +u +o pipefail\ntrue" || text == "echo \"$MISSING\" >&2\nexit 1\n",
                    "{text}"
                );
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

/// Codes that would mean that a text broke out of the place that it was written to: syntax, keys, ids.
const BROKEN_OUT: [&str; 5] = ["DVT-P001", "DVT-P002", "DVT-P004", "DVT-P005", "DVT-P009"];

/// Every payload of the corpus: attack strings, naughty strings, odd JSON.
fn payloads() -> Option<Vec<Vec<u8>>> {
    let folder = corpus("injection")?;
    let mut found = Vec::new();
    for (name, key) in
        [("fuzzdb_payloads.jsonl.gz", "payload_b64"), ("JSONTestSuite_parsing.jsonl.gz", "bytes_b64")]
    {
        for line in text(&folder.join(name)).lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            found.push(STANDARD.decode(line[key].as_str().unwrap()).unwrap());
        }
    }
    let naughty: Vec<String> = serde_json::from_str(&text(&folder.join("blns.base64.json"))).unwrap();
    found.extend(naughty.iter().map(|text| STANDARD.decode(text).unwrap()));
    Some(found)
}

/// JSON that YAML can read, too: it refuses some characters that JSON takes.
fn escaped(document: &serde_json::Value) -> String {
    let odd = |letter: char| matches!(letter, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    let each = document.to_string();
    let each = each.chars().map(|letter| match letter {
        letter if odd(letter) => format!("\\u{:04x}", u32::from(letter)),
        letter => letter.to_string(),
    });
    each.collect()
}

/// A payload as a whole file, and as every name and text of a file: it stays a text, and nothing panics.
#[test]
fn no_payload_becomes_more_than_a_text() {
    let Some(payloads) = payloads() else { return };
    let (mut read, mut steps) = (0, 0);
    // Forty at once: a file of its own for each would ask the plan reader ten thousand times.
    for payloads in payloads.chunks(40) {
        let payloads: Vec<String> =
            payloads.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        for text in &payloads {
            drop((
                wfcommons::import(text),
                dbt::import(text, &ALL),
                argo::import(text),
                github::import(text),
            ));
        }
        let jobs: serde_json::Map<String, serde_json::Value> = payloads
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let text = text.replace("${{", "$ {{");
                // A key of YAML has at most 1,024 letters.
                (
                    format!("{at}{}", text.chars().take(150).collect::<String>()),
                    json!({"name": text, "steps": [{"name": text, "run": "true", "env": {"X": text}}]}),
                )
            })
            .collect();
        let tasks: Vec<_> = payloads
            .iter()
            .enumerate()
            .map(|(at, text)| json!({"id": format!("{at}{text}"), "command": {"program": text}}))
            .collect();
        let nodes: serde_json::Map<String, serde_json::Value> = payloads
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let model = json!({"resource_type": "model", "name": text, "package_name": text, "fqn": [text], "tags": [text],
                    "original_file_path": text, "depends_on": {"nodes": []}});
                (format!("model.{at}.{text}"), model)
            })
            .collect();
        let metadata = json!({"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": payloads[0]});
        let imported = [
            github::import(&escaped(&json!({"name": payloads[0], "on": "push", "jobs": jobs}))).unwrap(),
            wfcommons::import(&json!({"name": payloads[0], "workflow": {"tasks": tasks}}).to_string())
                .unwrap(),
            dbt::import(&json!({"metadata": metadata, "nodes": nodes}).to_string(), &ALL).unwrap(),
        ];
        for imported in imported {
            let plan = imported.text(&payloads[0]);
            let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: plan });
            // A text that a plan may not hold (a NUL in the environment) is refused there; it is never another key.
            for diagnostic in &outcome.diagnostics {
                assert!(!BROKEN_OUT.contains(&diagnostic.code.as_str()), "{diagnostic:#?}");
            }
            let Some(checked) = outcome.checked else { continue };
            assert_eq!(checked.plan.steps.len(), payloads.len());
            assert!(!checked.canonical.value().to_string().contains("${{"));
            steps += checked.plan.steps.len();
        }
        read += payloads.len();
    }
    assert!(read >= 4_000 && steps >= 2 * read, "{read} {steps}");
    println!("{read} payloads as files and as names: {steps} steps, no panic, no expression, no other key");
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
