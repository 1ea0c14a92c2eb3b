//! Every loss names where it stands: a line and a column of the source, and there the source says what is named.

use crate::corpus::{corpus, text};
use crate::workflows::files;
use dvt_import::dbt::{Form, Options};
use dvt_import::{Error, Imported, argo, dbt, github, wfcommons};
use std::collections::BTreeMap;
use std::path::Path;

/// What the source says from a place on, past the quote of a string.
fn said<'s>(lines: &[&'s str], place: &str) -> Option<&'s str> {
    let (line, column) = place.split_once(':')?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let line = *lines.get(line.checked_sub(1)?)?;
    let (at, _) = line.char_indices().nth(column.checked_sub(1)?)?;
    line.get(at..).map(|said| said.trim_start_matches(['"', '\'']))
}

/// How many losses are named; each that is not where it is said to be is told.
fn held(file: &str, source: &str, imported: &Imported, wrong: &mut Vec<String>) -> usize {
    let mut named = 0;
    let lines: Vec<&str> = source.strip_prefix('\u{feff}').unwrap_or(source).split('\n').collect();
    for loss in &imported.report.lost {
        for told in &loss.named {
            named += 1;
            let Some((name, place)) = told.rsplit_once(" at ") else {
                wrong.push(format!("{file}: {}: no place: {told}", loss.what));
                continue;
            };
            // A name with its owner (`command of task`) begins with what stands there.
            let word = name.split(" of ").next().unwrap();
            match said(&lines, place) {
                Some(said) if !word.is_empty() && said.starts_with(word) => {}
                said => {
                    let said: String = said.unwrap_or("nothing").chars().take(40).collect();
                    wrong.push(format!("{file}: {}: {told}: there stands {said:?}", loss.what));
                }
            }
        }
    }
    named
}

fn import_dbt(text: &str) -> Result<Imported, Error> {
    dbt::import(text, &Options { form: Form::Program, select: None, exclude: None, tests_block: false })
}

type Import = fn(&str) -> Result<Imported, Error>;

fn all_of(folder: &Path, import: Import, least: usize) {
    let (mut named, mut wrong) = (0, Vec::new());
    for path in files(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".tsv") || name.contains("schema") {
            continue;
        }
        let source = text(&path);
        if let Ok(imported) = import(&source) {
            named += held(&name, &source, &imported, &mut wrong);
        }
    }
    println!("{named} losses of {} stand where they are said to be", folder.display());
    assert!(wrong.is_empty(), "{} of {named}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(named >= least, "{named}");
}

#[test]
fn what_argo_loses_stands_where_it_is_said_to_be() {
    let Some(folder) = corpus("plans/argo") else { return };
    all_of(&folder, argo::import, 500);
}

#[test]
fn what_github_loses_stands_where_it_is_said_to_be() {
    let Some(folder) = corpus("plans/gha-starter") else { return };
    all_of(&folder, github::import, 440);
}

#[test]
fn what_dbt_loses_stands_where_it_is_said_to_be() {
    let Some(folder) = corpus("dbt/manifest") else { return };
    all_of(&folder, import_dbt, 20);
}

#[test]
fn what_instances_lose_stands_where_it_is_said_to_be() {
    let Some(folder) = corpus("wf") else { return };
    all_of(&folder, wfcommons::import, 20);
}

/// One small text for each importer, in which nearly everything is lost; these need no corpus.
#[test]
fn small_texts_lose_each_thing_at_its_place() {
    let argo = "\u{feff}
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: small}
spec:
  entrypoint: main
  nodeSelector: {a: b}
  arguments: {parameters: [{name: who, valueFrom: {configMapKeyRef: {name: a, key: b}}}], artifacts: [{name: 'data'}]}
  templates:
    - name: main
      retryStrategy: {backoff: {duration: 1h, maxDuration: 2h}}
      steps:
        - - {name: far, templateRef: {name: other, template: gone}}
          - {name: again, template: main}
          - name: many
            template: say
            withParam: \"{{=x(1)}}\"
            arguments: {parameters: [{name: text, value: 'ä {{workflow.nothing}}'}]}
          - {name: counted, template: say, withSequence: {start: '{{steps.x}}'}, when: 'jsonpath(1) == 2'}
          - {name: web, template: web}
          - {name: pause, template: pause}
    - name: say
      retryStrategy: {limit: 90}
      inputs: {parameters: [{name: text}, {name: nobody}]}
      container: {image: \"busybox\", volumeMounts: [], env: [{name: LD_PRELOAD, value: x}]}
    - {name: web, timeout: '{{x}}', http: {url: x}}
    - {name: pause, suspend: {duration: '{{workflow.name2}}'}}
---
kind: ConfigMap
metadata: {name: other-one}
";
    let github = "
name: Build
on: {push: {}, workflow_dispatch: {inputs: {level: {type: number, default: high}}}}
env: {LD_PRELOAD: x, TOKEN: '${{ secrets.TOKEN }}'}
defaults: {run: {shell: fish, working-directory: \"sub/${{ github.nothing }}\"}}
jobs:
  build:
    runs-on: windows-latest
    timeout-minutes: 5
    strategy: {matrix: '${{ fromJson(needs.x.outputs.y) }}', fail-fast: true}
    steps:
      - {uses: 'actions/checkout@v4'}
      - run: echo
      - {shell: \"perl -w\", run: 'print 1', timeout-minutes: soon, continue-on-error: perhaps, x-odd: 1}
      - shell: bash
        if: hashFiles('x') == 'y'
        run: |
          echo ${{ github.event.nothing }} >> $GITHUB_OUTPUT
      - {name: nothing}
      - uses: other/action@v1
  call: {uses: './.github/workflows/other.yml'}
";
    let dbt = r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
 "nodes": {"model.a.b c": {"resource_type": "model", "name": "b c", "package_name": "a", "fqn": ["a", "b c"],
   "tags": ["fine", "no good"], "config": {"tags": "order:first"},
   "depends_on": {"nodes": ["model.a.gone"]}},
  "operation.a.hook": {"resource_type": "operation", "name": "hook", "package_name": "a", "fqn": ["a", "hook"]}},
 "sources": {"source.a.raw": {"resource_type": "source", "name": "raw", "package_name": "a"}},
 "disabled": {"model.a.off": [{}]}}"#;
    let instance = r#"{"name": "small", "workflow": {"specification": {"tasks": [
  {"id": "ä", "parents": ["gone", 7], "inputFiles": ["x"], "command": {"program": "x"}}]},
  "execution": {"makespanInSeconds": 3, "machines": []}}}"#;
    let cases: [(&str, &str, Import, usize); 4] = [
        ("argo", argo, argo::import, 14),
        ("github", github, github::import, 16),
        ("dbt", dbt, import_dbt, 7),
        ("wfcommons", instance, wfcommons::import, 6),
    ];
    let mut wrong = Vec::new();
    let mut counts = BTreeMap::new();
    for (name, source, import, _) in cases {
        let imported = import(source).unwrap();
        counts.insert(name, held(name, source, &imported, &mut wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, .., least) in cases {
        assert!(counts[name] >= least, "{name}: {counts:?}");
    }
}

/// However many there are of one kind, each is told with its place, in one walk through the text.
#[test]
fn the_last_of_many_is_named_as_the_first() {
    const MANY: usize = 300;
    let tasks: Vec<String> =
        (0..MANY).map(|nth| format!("{{\"id\": \"t{nth}\", \"parents\": [\"gone{nth}\"]}}")).collect();
    let instance = format!(
        "{{\"name\": \"many\", \"workflow\": {{\"specification\": {{\"tasks\": [\n{}]}}}}}}",
        tasks.join(",\n")
    );
    let jobs: String = (0..MANY)
        .map(|nth| format!("  j{nth}: {{runs-on: x, permissions: {{}}, steps: [{{run: echo}}]}}\n"))
        .collect();
    let github = format!("on: push\njobs:\n{jobs}");
    for (name, source, import) in
        [("wfcommons", instance, wfcommons::import as Import), ("github", github, github::import)]
    {
        let imported = import(&source).unwrap();
        let mut wrong = Vec::new();
        held(name, &source, &imported, &mut wrong);
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
        let lost = imported.report.lost.iter().find(|loss| loss.count == MANY as u64);
        let lost = lost.unwrap_or_else(|| panic!("{name}: {:?}", imported.report.lost));
        assert_eq!(lost.named.len(), MANY, "{name}");
        let mut lines: Vec<usize> =
            lost.named.iter().map(|told| told.rsplit([' ', ':']).nth(1).unwrap().parse().unwrap()).collect();
        lines.sort_unstable();
        let first = source.lines().count() + 1 - MANY;
        assert_eq!(lines, (first..first + MANY).collect::<Vec<_>>(), "{name}");
    }
}

/// A key that stands again is no part of the plan, and is told. Control: the same text without it loses nothing of the kind.
#[test]
fn a_key_that_comes_again_is_told() {
    let argo = "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: again}
spec:
  entrypoint: main
  templates:
    - {name: main, container: {image: busybox, command: [echo, once]AGAIN}}
";
    let github = "on: push
jobs:
  build:
    runs-on: x
    steps: [{run: echo onceAGAIN}]
";
    for (source, again, import) in [
        (argo, ", command: [echo, twice]", argo::import as Import),
        (github, ", run: echo twice", github::import),
    ] {
        let text = source.replace("AGAIN", again);
        let imported = import(&text).unwrap();
        let told = |imported: &Imported| {
            imported
                .report
                .lost
                .iter()
                .find(|loss| loss.what == "repeated key")
                .map(|loss| loss.named.clone())
        };
        let (before, _) = text.split_once(again).unwrap();
        let line = before.lines().count();
        let column = before.lines().last().unwrap().chars().count() + 3;
        let key = again[2..].split(':').next().unwrap();
        assert_eq!(told(&imported), Some(vec![format!("{key} at {line}:{column}")]));
        assert!(imported.text("x").contains("once") && !imported.text("x").contains("twice"));
        assert_eq!(told(&import(&source.replace("AGAIN", "")).unwrap()), None, "control");
    }
}
