//! Workflows of Argo and GitHub that others wrote: how many become plans that lint clean, and why the rest does not.

use crate::corpus::corpus;
use dvt_import::{Error, Imported, argo, github};
use dvt_plan::diagnostic::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All files below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Imports every file, prints the table, and gives the share that is clean in per cent.
fn table(name: &str, folder: &Path, import: fn(&str) -> Result<Imported, Error>) -> usize {
    let (mut all, mut clean, mut whole) = (0, 0, 0);
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lost: BTreeMap<String, u64> = BTreeMap::new();
    for path in files(folder) {
        all += 1;
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let imported = match import(&text) {
            Ok(imported) => imported,
            Err(error) => {
                let error = error.to_string();
                let reason = error.split([':', '`']).take(2).collect::<Vec<_>>().join(":");
                reasons.entry(format!("not imported, {reason}")).or_default().push(file);
                continue;
            }
        };
        for loss in &imported.report.lost {
            *lost.entry(loss.what.clone()).or_default() += loss.count;
            for named in &loss.named {
                assert!(named.contains(" at "), "{file}: {} has no place: {named}", loss.what);
            }
        }
        let plan = imported.text(&file);
        let outcome = dvt_plan::check(&Source { name: file.clone(), text: plan.clone() });
        if outcome.diagnostics.is_empty() {
            clean += 1;
            whole += usize::from(imported.report.missing == 0);
            assert_eq!(outcome.checked.unwrap().plan.steps.len() as u64, imported.report.steps, "{file}");
        } else {
            let first = &outcome.diagnostics[0];
            if std::env::var_os("DVT_SHOW").is_some() {
                println!("--- {file}\n{plan}\n{first:#?}");
            }
            reasons.entry(format!("{} {}", first.code, first.message)).or_default().push(file);
        }
    }
    println!(
        "{name}: {clean} of {all} files import and lint clean ({} %), {whole} of them without a step that is missing",
        clean * 100 / all
    );
    for (reason, files) in &reasons {
        println!("{name}: {:>3} {reason}: {}", files.len(), files.join(", "));
    }
    let lost: Vec<String> = lost.iter().map(|(what, count)| format!("{what} {count}")).collect();
    println!("{name}: lost, each with its place: {}", lost.join(", "));
    clean * 100 / all
}

#[test]
fn most_workflows_of_argo_become_plans() {
    let Some(folder) = corpus("plans/argo") else { return };
    assert!(table("argo", &folder, argo::import) >= 60);
}

#[test]
fn most_starter_workflows_of_github_become_plans() {
    let Some(folder) = corpus("plans/gha-starter") else { return };
    assert!(table("github", &folder, github::import) >= 80);
}

/// The plan, which must be clean.
fn plan(imported: &Imported) -> (dvt_plan::Checked, String) {
    let text = imported.text("source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    (outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics)), text)
}

#[test]
fn a_value_in_a_script_of_github_moves_to_the_environment() {
    let text = "
name: Build
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    strategy: {matrix: {v: ['3.9', '3.10']}}
    steps:
      - uses: actions/checkout@v4
      - name: Test
        id: test
        run: echo '${{ github.event.issue.title }}' ${{ matrix.v }}
      - if: github.ref == 'refs/heads/main' && always()
        run: echo ${{ steps.test.outcome }}
  ship:
    needs: build
    steps: [{uses: some/action@v1, with: {x: 1}}]
";
    let imported = github::import(text).unwrap();
    let (checked, text) = plan(&imported);
    assert_eq!(checked.plan.steps.len(), 5, "{text}");
    assert!(
        text.contains(
            "script: |-\n      set +u +o pipefail\n      echo ''\"${VALUE_TITLE}\"'' \"${VALUE_V}\""
        ),
        "{text}"
    );
    assert!(text.contains("${{ inputs.github_event_issue_title }}"), "{text}");
    assert_eq!(imported.report.missing, 1);
    let uses = imported.report.lost.iter().find(|loss| loss.why.contains("fails")).unwrap();
    assert_eq!(uses.named, ["some/action@v1 at 17:20"]);
}

#[test]
fn templates_of_argo_are_written_out_where_they_are_called() {
    let text = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: two-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: who, value: world}]}
  templates:
    - name: main
      dag:
        tasks:
          - {name: toss, template: toss}
          - name: heads
            depends: toss
            when: \"{{tasks.toss.outputs.result}} == heads\"
            template: inner
            arguments: {parameters: [{name: text, value: 'hello {{workflow.parameters.who}}'}]}
          - {name: always, depends: heads.Failed || heads.Succeeded, template: toss}
    - name: inner
      inputs: {parameters: [{name: text}]}
      steps:
        - - {name: say, template: say, withItems: [a, b], arguments: {parameters: [{name: text, value: '{{inputs.parameters.text}} {{item}}'}]}}
    - name: say
      inputs: {parameters: [{name: text}]}
      container: {image: busybox, command: [sh, -c], args: ['echo \"{{inputs.parameters.text}}\"']}
    - name: toss
      script: {image: python, command: [python], source: 'print(\"heads\")'}
";
    let imported = argo::import(text).unwrap();
    let (checked, text) = plan(&imported);
    let ids: Vec<&str> = checked.plan.steps.keys().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["always", "heads_say_a", "heads_say_b", "toss"], "{text}");
    assert!(text.contains("if: \"steps.toss.output == \\\"heads\\\"\""), "{text}");
    assert!(text.contains("VALUE_TEXT: \"hello ${{ inputs.who }} a\""), "{text}");
    assert_eq!(imported.report.missing, 0);
}

#[test]
fn what_calls_itself_has_an_end() {
    let text = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: loop}
spec:
  entrypoint: a
  templates:
    - {name: a, steps: [[{name: b, template: a}]]}
";
    let imported = argo::import(text).unwrap();
    assert_eq!((imported.report.steps, imported.report.missing), (1, 1));
    assert!(imported.report.lost.iter().any(|loss| loss.what == "recursion"));
}

/// The examples hold what the importers print today; `DVT_WRITE=1` writes them anew.
#[test]
fn the_examples_are_what_is_imported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
    for (name, import) in
        [("argo-coin", argo::import as fn(&str) -> Result<Imported, Error>), ("github-build", github::import)]
    {
        let text = std::fs::read_to_string(folder.join(name).join("workflow.yaml")).unwrap();
        let imported = import(&text).unwrap();
        plan(&imported);
        let (path, text) = (folder.join(name).join("plan.yaml"), imported.text("workflow.yaml"));
        if std::env::var_os("DVT_WRITE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{name}");
    }
}
