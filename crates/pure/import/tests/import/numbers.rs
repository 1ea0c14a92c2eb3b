//! Numbers at the edges, wherever an importer can write one: the plan is read without an error, and a number that it does
//! not keep is named.

use dvt_import::dbt::{Form, Options};
use dvt_import::{Error, Imported, argo, dbt, github, wfcommons};
use dvt_plan::Checked;
use dvt_plan::diagnostic::Source;
use serde_json::Value;

const NUMBERS: [&str; 28] = [
    "0",
    "9007199254740992",
    "-9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "30275075233703588",
    "30275075233703588.0",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "123456789012345678901234567890",
    "1e15",
    "1e16",
    "1e21",
    "1e22",
    "1e300",
    "1e400",
    "-0.0",
    "1.5",
    "1.5e-7",
    ".inf",
    "-.inf",
    ".nan",
    "0x1F",
    "0x20000000000001",
    "0o17",
    "010",
    "+5",
];

/// Those that a plan keeps, among these.
const KEPT: [&str; 10] =
    ["0", "9007199254740992", "-9007199254740992", "1e15", "1e21", "1e22", "1e300", "-0.0", "1.5", "1.5e-7"];

/// Workflows of GitHub, with `@` where the number stands.
const GITHUB: [&str; 12] = [
    "on: {workflow_dispatch: {inputs: {n: {type: number, default: @}}}}\njobs: {a: {steps: [{run: 'true'}]}}",
    "on: {workflow_call: {inputs: {n: {type: number, default: '@'}}}}\njobs: {a: {steps: [{run: 'true'}]}}",
    "on: {workflow_call: {inputs: {n: {type: number, options: [@, 7]}}}}\njobs: {a: {steps: [{run: 'true'}]}}",
    "on: {workflow_call: {inputs: {n: {default: @}}}}\njobs: {a: {steps: [{run: 'true'}]}}",
    "jobs: {a: {strategy: {matrix: {v: [@]}}, steps: [{run: 'echo ${{ matrix.v }}', if: matrix.v > 5}]}}",
    "jobs: {a: {strategy: {matrix: {v: [{w: @}]}}, steps: [{run: 'true', env: {X: '${{ matrix.v.w + 1 }}'}}]}}",
    "jobs: {a: {strategy: {matrix: {v: [[@]]}}, steps: [{run: 'true', if: 'contains(matrix.v, github.sha) && contains(matrix.v, 5)'}]}}",
    "jobs: {a: {strategy: {matrix: {include: [{v: @}]}}, steps: [{run: 'true', if: \"matrix.v == '1'\"}]}}",
    "jobs: {a: {steps: [{run: 'true', if: github.run_number > @}]}}",
    "jobs: {a: {steps: [{run: 'echo ${{ @ }}', env: {X: @, Y: \"${{ format('{0}', @) }}\"}}]}}",
    "jobs: {a: {timeout-minutes: @, steps: [{run: 'true', timeout-minutes: @, continue-on-error: @}]}}",
    "jobs: {a: {strategy: {max-parallel: @}, steps: [{run: 'true', name: @, id: @}]}}",
];

/// Specifications of Argo, with `@` where the number stands.
const ARGO: [&str; 12] = [
    "templates: [{name: a, steps: [[{name: b, template: c, withItems: [@]}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, withItems: [{x: @}], when: '{{item.x}} > 5', arguments: {parameters: [{name: p, value: '{{item.x}}'}]}}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, withParam: '[@, \"@\"]', when: '{{item}} > 5'}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, withSequence: {count: @}}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, withSequence: {start: @, end: @}}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, when: '{{workflow.uid}} > @'}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, arguments: {parameters: [{name: p, value: '{{= @ + 1}}'}]}}]]}, C]",
    "templates: [{name: a, steps: [[{name: b, template: c, arguments: {parameters: [{name: p, value: {x: @}}]}}]]}, C]",
    "arguments: {parameters: [{name: p, value: @, enum: [@, 5]}]}\n  templates: [{name: a, retryStrategy: {limit: @, backoff: {duration: @, factor: @}}, container: {image: i, command: [echo, @]}}]",
    "parallelism: @\n  templates: [{name: a, container: {image: i, command: [echo], args: [@], env: [{name: X, value: @}]}}]",
    "activeDeadlineSeconds: @\n  templates: [{name: a, activeDeadlineSeconds: @, timeout: @, container: {image: i, command: [echo]}}]",
    "templates: [{name: a, suspend: {duration: @}}]",
];
const CALLED: &str = "{name: c, inputs: {parameters: [{name: p, default: 1}]}, container: {image: i, command: [echo, '{{inputs.parameters.p}}']}}";

/// Instances of WfCommons.
const WFCOMMONS: [&str; 3] = [
    r#"{"workflow": {"tasks": [{"id": "a", "runtime": @, "parents": [@]}]}}"#,
    r#"{"workflow": {"specification": {"tasks": [{"id": "a", "priority": @}]}, "execution": {"makespanInSeconds": @, "tasks": [{"id": "a", "runtimeInSeconds": @}]}}}"#,
    r#"{"name": @, "workflow": {"tasks": [{"name": "a", "runtimeInSeconds": @, "command": @}]}}"#,
];

/// Manifests of dbt.
const DBT: [&str; 2] = [
    r#"{"metadata": {"project_name": "p", "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}, "nodes": {"model.p.a": {"resource_type": "model", "name": "a", "package_name": "p", "fqn": ["p", "a"], "original_file_path": "models/a.sql", "tags": ["@"], "config": {"priority": @, "meta": {"n": @}}, "depends_on": {"nodes": []}}}}"#,
    r#"{"metadata": {"project_name": "p", "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "n": @}, "nodes": {"test.p.a": {"resource_type": "test", "name": "@", "package_name": "p", "fqn": ["p", "@"], "original_file_path": "models/a.sql", "config": {"severity": "warn", "warn_if": @}, "depends_on": {"nodes": []}}}}"#,
];

/// What became of the text; the plan is one without an error.
fn plan_of(source: &str, imported: &Imported) -> Checked {
    let text = imported.text("the source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    outcome.checked.unwrap_or_else(|| panic!("{source}\n{text}\n{:#?}", outcome.diagnostics))
}

fn import_dbt(text: &str) -> Result<Imported, Error> {
    dbt::import(text, &Options { form: Form::Program, select: None, exclude: None, tests_block: false })
}

#[test]
fn no_number_at_the_edges_makes_a_plan_that_is_refused() {
    let mut plans = 0;
    for number in NUMBERS {
        for text in GITHUB {
            let text = text.replace('@', number);
            plan_of(&text, &github::import(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
            plans += 1;
        }
        for spec in ARGO {
            let spec = spec.replace(", C]", &format!(", {CALLED}]")).replace('@', number);
            let text = format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  entrypoint: a\n  {spec}\n"
            );
            // A sequence of no numbers is no step.
            match argo::import(&text) {
                Ok(imported) => drop(plan_of(&text, &imported)),
                Err(error) => assert_eq!(error, Error::Empty, "{text}"),
            }
            plans += 1;
        }
        for (text, import) in WFCOMMONS
            .map(|text| (text, wfcommons::import as fn(&str) -> _))
            .into_iter()
            .chain(DBT.map(|text| (text, import_dbt as fn(&str) -> _)))
        {
            let text = text.replace('@', number);
            match import(&text) {
                Ok(imported) => drop(plan_of(&text, &imported)),
                Err(error) => {
                    assert!(matches!(error, Error::Json(_)), "{error}: {text}");
                    assert!(serde_json::from_str::<Value>(&text).is_err(), "{error}: {text}");
                }
            }
            plans += 1;
        }
    }
    println!("{plans} plans with a number at the edges");
}

#[test]
fn a_default_that_a_plan_does_not_keep_is_named_with_its_place() {
    for number in NUMBERS {
        let text = format!(
            "on:\n  workflow_dispatch:\n    inputs:\n      size: {{type: number, default: {number}}}\njobs: {{a: {{steps: [{{run: 'true'}}]}}}}"
        );
        let imported = github::import(&text).unwrap();
        let checked = plan_of(&text, &imported);
        let default = checked.canonical.value().pointer("/inputs/size/default").cloned();
        let lost = imported.report.lost.iter().find(|loss| loss.what == "default");
        if KEPT.contains(&number) {
            assert!(lost.is_none(), "{number}: {lost:?}");
            let default = default.and_then(|default| default.as_f64()).unwrap();
            assert_eq!(default, number.parse::<f64>().unwrap(), "{number}");
        } else {
            assert_eq!(default, None, "{number}");
            assert_eq!(lost.unwrap().named, ["size at 4:7"], "{number}");
        }
    }
}

#[test]
fn a_number_of_a_matrix_that_no_plan_keeps_is_its_text_and_one_in_an_expression_is_lost() {
    let import = |number: &str| {
        let text = format!(
            "jobs:\n  a:\n    strategy: {{matrix: {{v: [{number}]}}}}\n    steps:\n      - run: echo ${{{{ matrix.v }}}} ${{{{ {number} }}}}\n        if: matrix.v == github.sha\n"
        );
        let imported = github::import(&text).unwrap();
        let plan = plan_of(&text, &imported).canonical.value().to_string();
        (plan, imported.report.lost.into_iter().filter(|loss| loss.what == "value").collect::<Vec<_>>())
    };
    let (plan, lost) = import("30275075233703588");
    assert!(plan.contains(r#""if":"\"30275075233703588\" == inputs.github_sha""#), "{plan}");
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].named, ["30275075233703588 at 5:39"]);
    let (plan, lost) = import("42");
    assert!(plan.contains(r#""if":"\"42\" == inputs.github_sha""#), "{plan}");
    assert_eq!(lost, []);
}
