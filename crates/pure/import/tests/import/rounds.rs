//! What waits for itself is refused by every importer, by the names on the way and the place of the first one.

use dvt_import::dbt::{Form, Options};
use dvt_import::{Error, argo, dbt, github, wfcommons};

fn told(imported: Result<dvt_import::Imported, Error>) -> String {
    imported.err().map_or_else(|| "imported".to_owned(), |error| error.to_string())
}

const WFCOMMONS: &str = r#"{"name": "x", "workflow": {"tasks": [
  {"name": "z", "parents": ["b"]},
  {"name": "b", "parents": ["c"]},
  {"name": "c", "parents": ["d"]},
  {"name": "d", "parents": ["b"]}]}}"#;

#[test]
fn tasks_of_wfcommons() {
    assert_eq!(told(wfcommons::import(WFCOMMONS)), "tasks wait for each other: b → c → d → b (3:17)");
    let alone = r#"{"name": "x", "workflow": {"specification": {"tasks": [{"id": "a", "parents": ["a"]}]}}}"#;
    assert_eq!(told(wfcommons::import(alone)), "tasks wait for each other: a → a (1:68)");
    // Control: without the way back they are imported.
    assert_eq!(told(wfcommons::import(&WFCOMMONS.replace(r#"["c"]"#, "[]"))), "imported");
}

const DBT: &str = r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}, "nodes": {
  "model.x.a": {"resource_type": "model", "name": "a", "package_name": "x", "fqn": ["x", "a"],
    "depends_on": {"nodes": ["model.x.b"]}},
  "model.x.b": {"resource_type": "model", "name": "b", "package_name": "x", "fqn": ["x", "b"],
    "depends_on": {"nodes": ["analysis.x.c"]}},
  "analysis.x.c": {"resource_type": "analysis", "name": "c", "package_name": "x", "fqn": ["x", "c"],
    "depends_on": {"nodes": ["model.x.a"]}}}}"#;

#[test]
fn nodes_of_dbt() {
    for form in [Form::Program, Form::Simulated] {
        let import = |text: &str, select| {
            told(dbt::import(text, &Options { form, select, exclude: None, tests_block: false }))
        };
        assert_eq!(import(DBT, None), "nodes wait for each other: model.x.a → model.x.b → model.x.a (3:5)");
        let alone = DBT.replace("model.x.b\"]", "model.x.a\"]");
        assert_eq!(import(&alone, None), "nodes wait for each other: model.x.a → model.x.a (3:5)");
        assert_eq!(import(&DBT.replace("[\"model.x.a\"]", "[]"), None), "imported");
    }
}

const ARGO: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - { name: a, template: echo }
      - { name: b, template: echo, depends: c.Succeeded && a }
      - { name: c, template: echo, dependencies: [b] }
  - name: echo
    container: { image: x, command: [echo] }
";

#[test]
fn tasks_of_argo() {
    assert_eq!(told(argo::import(ARGO)), "tasks wait for each other: b → c → b (10:36)");
    assert_eq!(told(argo::import(&ARGO.replace("[b]", "[a]"))), "imported");
}

const GITHUB: &str = "\
on: push
jobs:
  a: { runs-on: x, needs: [c, b], steps: [{ run: 'true' }] }
  b: { runs-on: x, steps: [{ run: 'true' }] }
  c: { runs-on: x, needs: a, steps: [{ run: 'true' }] }
";

#[test]
fn jobs_of_github() {
    assert_eq!(told(github::import(GITHUB)), "jobs wait for each other: a → c → a (3:20)");
    assert_eq!(told(github::import(&GITHUB.replace("needs: a", "needs: b"))), "imported");
}
