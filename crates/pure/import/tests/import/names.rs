//! Names of another product that are alike where a plan has letters, digits and `_`: each is an input of its own, and the report
//! names those that are called otherwise by that.

use dvt_import::{Imported, argo, github};
use dvt_plan::diagnostic::Source;
use serde_json::Value;

/// The plan of what was imported, in its canonical form.
fn plan(imported: &Imported) -> Value {
    let text = imported.text("the source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    let checked = outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics));
    checked.canonical.value().clone()
}

/// The names of its inputs.
fn inputs(plan: &Value) -> Vec<String> {
    plan["inputs"].as_object().unwrap().keys().cloned().collect()
}

/// What the report says of inputs that are called otherwise.
fn told(imported: &Imported) -> Vec<String> {
    let lost = imported.report.lost.iter().filter(|loss| loss.what == "input");
    lost.flat_map(|loss| loss.named.clone()).collect()
}

#[test]
fn two_inputs_of_github_are_two() {
    let imported = github::import(
        "on:
  workflow_dispatch:
    inputs:
      dry_run: {type: boolean, default: false}
      dry-run: {type: string, default: 'yes'}
      github_ref: {type: string, default: mine}
jobs:
  a:
    steps:
      - id: s1
        run: echo ${{ inputs.dry-run }} ${{ inputs.dry_run }} ${{ inputs.DRY-RUN }}
      - id: s2
        run: echo ${{ github.ref }} ${{ inputs.github_ref }} ${{ github.REF }}
      - id: s3
        run: echo ${{ github.event.a_b }} ${{ github.event.a.b }}
",
    )
    .unwrap();
    let plan = plan(&imported);
    let names = inputs(&plan);
    assert_eq!(names.len(), 6, "{names:?}");
    let digested = |of: &str| {
        let all: Vec<_> = names.iter().filter(|name| name.starts_with(&format!("{of}_"))).collect();
        assert_eq!(all.len(), 1, "{of}: {names:?}");
        all[0].clone()
    };
    let (dry_run, of_context) = (digested("dry_run"), digested("github_ref"));
    assert_eq!(
        (&plan["inputs"]["dry_run"]["type"], &plan["inputs"]["dry_run"]["default"]),
        (&"boolean".into(), &false.into())
    );
    assert_eq!(plan["inputs"][&dry_run]["default"], "yes");
    assert_eq!(plan["inputs"]["github_ref"]["default"], "mine");
    assert_eq!(plan["inputs"][&of_context]["description"], "what GitHub calls github.ref");
    let env = |step: &str| {
        let env = plan["steps"][step]["env"].as_object().unwrap();
        env.values()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(env("a_s1").len(), 2, "{plan:#}");
    assert!(env("a_s1").contains(&format!("${{{{ inputs.{dry_run} }}}}")), "{plan:#}");
    assert_eq!(env("a_s2").len(), 2, "{plan:#}");
    assert!(env("a_s2").contains(&format!("${{{{ inputs.{of_context} }}}}")), "{plan:#}");
    assert_eq!(env("a_s3").len(), 2, "{plan:#}");
    assert_eq!(told(&imported), ["dry-run at 5:7", "github.ref at 13:23", "github.event.a.b at 15:47"]);
}

#[test]
fn an_input_that_two_triggers_have_is_told_where_they_differ() {
    let lost = |second: &str| {
        let text = format!(
            "on:\n  workflow_dispatch: {{inputs: {{size: {{type: number, default: 1}}}}}}\n  workflow_call: {{inputs: {{size: {{type: number, default: {second}}}}}}}\njobs: {{a: {{steps: [{{run: 'true'}}]}}}}"
        );
        let imported = github::import(&text).unwrap();
        let lost = imported.report.lost.into_iter().filter(|loss| loss.what == "inputs");
        lost.flat_map(|loss| loss.named).collect::<Vec<_>>()
    };
    assert_eq!(lost("2"), ["size at 3:28"]);
    assert_eq!(lost("1"), Vec::<String>::new(), "control");
}

#[test]
fn two_parameters_of_argo_are_two() {
    let long = "x".repeat(60);
    let imported = argo::import(&format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: names}}
spec:
  entrypoint: main
  arguments:
    parameters:
      - {{name: image-tag, value: '1'}}
      - {{name: image_tag, value: '2'}}
      - {{name: {long}a, value: '3'}}
      - {{name: {long}b, value: '4'}}
  templates:
    - name: main
      inputs: {{parameters: [{{name: image_tag}}]}}
      container: {{image: i, command: [echo, '{{{{workflow.parameters.image-tag}}}}', '{{{{inputs.parameters.image_tag}}}}']}}
"
    ))
    .unwrap();
    let plan = plan(&imported);
    let names = inputs(&plan);
    let defaults: Vec<_> =
        names.iter().map(|name| plan["inputs"][name]["default"].as_str().unwrap()).collect();
    assert_eq!(defaults, ["1", "2", "4", "3"], "{names:?}");
    let (plain, digested) = (&names[0], &names[1]);
    assert_eq!(plain, "image_tag");
    let text = imported.text("x");
    assert!(
        text.contains(&format!("inputs.{plain} }}}}")) && text.contains(&format!("inputs.{digested} }}}}")),
        "{text}"
    );
    assert_eq!(told(&imported), ["image_tag at 9:16".to_owned(), format!("{long}b at 11:16")]);
}
