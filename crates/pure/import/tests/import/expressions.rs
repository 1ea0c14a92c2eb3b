//! Every function and operator, with every kind of value, in every place where an expression stands: a plan comes of it that is
//! checked, and what is not kept is told.

use dvt_import::{Imported, argo, github};
use dvt_plan::diagnostic::Source;

/// Forms of expressions of one value and of two.
const OF_ONE: [&str; 22] = [
    "A",
    "!A",
    "!!A",
    "(A)",
    "join(A)",
    "toJson(A)",
    "fromJson(A)",
    "toJson(fromJson(A))",
    "format(A)",
    "format('{0}', A)",
    "format('{{{0}}}', A)",
    "string(A)",
    "len(A)",
    "int(A)",
    "asFloat(A)",
    "hashFiles(A)",
    "success()",
    "!cancelled() && A",
    "A ? A : null",
    "contains(A, 'failure()') || failure()",
    "A || A || A || A || A || A || A || A || A || A || A || A || A || A || A || A",
    "A.x",
];
const OF_TWO: [&str; 26] = [
    "A == B",
    "A != B",
    "A < B",
    "A > B",
    "A <= B",
    "A >= B",
    "A && B",
    "A || B",
    "A && B || 'c'",
    "B && 'c' || A",
    "A ?? B",
    "A + B",
    "A - B",
    "A * B",
    "A / B",
    "A % B",
    "A ? B : 'c'",
    "(A ? A : B) == 1",
    "contains(A, B)",
    "contains(fromJson(A), B)",
    "startsWith(A, B)",
    "endsWith(B, A)",
    "join(A, B)",
    "join(fromJson(A), B)",
    "format('{0} and {1}', A, B)",
    "(A || B) && !(B && A)",
];

/// Whether a plan came of it that is checked; how many expressions stand as they were written.
fn plan(imported: &Imported, source: &str) -> String {
    let text = imported.text("the source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    assert!(outcome.checked.is_some(), "{:#?}\n{source}\n{text}", outcome.diagnostics);
    // What is not kept stands there as it was written, or as nothing, and is told.
    let kept_as_written = text.matches(" {{ ").count() + text.matches("\"{{").count();
    let told: u64 = imported.report.lost.iter().map(|loss| loss.count).sum();
    assert!(kept_as_written as u64 <= told, "{kept_as_written} {told}\n{source}\n{text}");
    text
}

/// All expressions of one form and one value, each with the second values that it has.
fn expressions(kinds: &[&str]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for first in kinds {
        let each = OF_ONE.iter().map(|form| form.replace('A', first));
        all.push(each.collect());
        for form in OF_TWO {
            // A value's own letters are no places for the other.
            let form = form.replace('A', "\u{1}").replace('B', "\u{2}").replace('\u{1}', first);
            all.push(kinds.iter().map(|second| form.replace('\u{2}', second)).collect());
        }
    }
    all
}

/// Values of a workflow of GitHub.
const OF_GITHUB: [&str; 22] = [
    "null",
    "true",
    "'text'",
    "'7'",
    "''",
    "1",
    "github.ref",
    "github",
    "vars.n",
    "inputs.flag",
    "inputs.count",
    "steps.first.outputs.o",
    "needs.before.outputs.o",
    "env.E",
    "matrix.list",
    "matrix.mixed",
    "matrix.map",
    "matrix.none",
    "fromJson('[1, \"a\", null]')",
    "fromJson(github.x)",
    "(inputs.flag && 'x' || null)",
    "(inputs.flag && matrix.list || 1)",
];

#[test]
fn every_expression_of_github_is_one_of_a_plan() {
    let mut count = 0;
    for expressions in expressions(&OF_GITHUB) {
        let mut steps = String::new();
        let mut outputs = String::new();
        for (at, expression) in expressions.iter().enumerate() {
            let quoted = expression.replace('\'', "''");
            steps.push_str(&format!(
                "      - {{if: '{quoted}', env: {{T: 'a ${{{{ {quoted} }}}} b'}}, run: 'echo ${{{{ {quoted} }}}}'}}\n"
            ));
            if at < OF_ONE.len() {
                steps.push_str(&format!(
                    "      - {{name: '${{{{ {quoted} }}}}', working-directory: 'a/${{{{ {quoted} }}}}', env: {{W: '${{{{ {quoted} }}}}'}}, run: echo}}\n"
                ));
            }
            outputs.push_str(&format!("      o{at}: '${{{{ {quoted} }}}}'\n"));
            count += 1;
        }
        let text = format!(
            "on: {{workflow_dispatch: {{inputs: {{flag: {{type: boolean}}, count: {{type: number}}, vars_n: {{type: number}}}}}}}}\nenv: {{E: 'a ${{{{ github.ref }}}}'}}\njobs:\n  before:\n    outputs: {{o: '${{{{ inputs.flag }}}}'}}\n    steps: [{{run: echo}}]\n  all:\n    needs: before\n    strategy: {{matrix: {{list: [[a, b]], mixed: [[1, a, [b], null]], map: [{{k: {{v: 1}}}}], none: [null]}}}}\n    outputs:\n{outputs}    steps:\n      - {{id: first, run: echo}}\n{steps}  after:\n    needs: all\n    if: needs.all.outputs.o0\n    steps: [{{run: 'echo ${{{{ needs.all.outputs.o0 }}}}', if: needs.all.outputs.o0 == 1}}]\n"
        );
        let imported = github::import(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        plan(&imported, &text);
    }
    assert_eq!(count, OF_GITHUB.len() * (OF_ONE.len() + OF_TWO.len() * OF_GITHUB.len()));
}

/// Values of a workflow of Argo.
const OF_ARGO: [&str; 18] = [
    "nil",
    "true",
    "'text'",
    "'7'",
    "''",
    "1",
    "workflow.parameters.p",
    "inputs.parameters.p",
    "inputs.parameters.q",
    "steps.first.outputs.result",
    "steps.second.outputs.parameters.o",
    "steps.second.outputs.result",
    "steps.pause.outputs.parameters.s",
    "steps.each.outputs.result",
    "steps.each.outputs.parameters",
    "steps.over.outputs.result",
    "steps.wrote.outputs.parameters",
    "steps.none.outputs.result",
];

/// Steps that give values of each kind.
const BEFORE: &str = "      - [{name: first, template: say}, {name: second, template: say}, {name: pause, template: pause}]
      - [{name: read, template: say, arguments: {parameters: [{name: p, value: '{{steps.second.outputs.parameters.o}}'}]}}]
      - [{name: each, template: say, withItems: [1, 2]}, {name: over, template: say, withParam: '{{workflow.parameters.l}}'}, {name: wrote, template: say, withParam: '{{workflow.parameters.l}}'}]
      - [{name: none, template: nothing}]
";

#[test]
fn every_expression_of_argo_is_one_of_a_plan() {
    let mut count = 0;
    for expressions in expressions(&OF_ARGO) {
        let mut steps = String::new();
        let mut outputs = String::new();
        for (at, expression) in expressions.iter().enumerate() {
            let quoted = expression.replace('\'', "''");
            steps.push_str(&format!(
                "      - [{{name: w{at}, template: say, when: '{{{{={quoted}}}}}', arguments: {{parameters: [{{name: p, value: '{{{{={quoted}}}}}'}}]}}}}, {{name: b{at}, template: say, when: '{quoted}', arguments: {{parameters: [{{name: p, value: 'a {{{{={quoted}}}}} b'}}]}}}}]\n"
            ));
            steps.push_str(&format!(
                "      - [{{name: l{at}, template: say, withParam: '{{{{={quoted}}}}}', when: '{{{{item}}}} == {{{{={quoted}}}}}', arguments: {{parameters: [{{name: p, value: '{{{{item}}}} {{{{item.x}}}}'}}]}}}}]\n"
            ));
            outputs.push_str(&format!("{{name: o{at}, valueFrom: {{expression: '{quoted}'}}}}, "));
            count += 1;
        }
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: all}}\nspec:\n  entrypoint: main\n  templates:\n  - name: main\n    steps:\n      - [{{name: all, template: all, arguments: {{parameters: [{{name: q, value: '{{{{workflow.parameters.p}}}} {{{{workflow.name}}}}'}}]}}}}]\n      - [{{name: after, template: say, when: '{{{{steps.all.outputs.parameters.o0}}}} == 1', withParam: '{{{{steps.all.outputs.parameters.o0}}}}', arguments: {{parameters: [{{name: p, value: '{{{{steps.all.outputs.parameters.o0}}}}'}}]}}}}]\n  - name: all\n    inputs: {{parameters: [{{name: p, value: 7}}, {{name: q}}]}}\n    outputs: {{parameters: [{outputs}]}}\n    steps:\n{BEFORE}{steps}  - {{name: say, inputs: {{parameters: [{{name: p, default: 1}}]}}, timeout: '{{{{inputs.parameters.p}}}}', script: {{image: i, command: [bash], env: [{{name: X, value: '{{{{inputs.parameters.p}}}}'}}], source: 'echo {{{{inputs.parameters.p}}}}'}}}}\n  - {{name: nothing, http: {{url: x}}}}\n  - {{name: pause, suspend: {{}}, outputs: {{parameters: [{{name: s, valueFrom: {{supplied: {{}}}}}}]}}}}\n"
        );
        let imported = argo::import(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        plan(&imported, &text);
    }
    assert_eq!(count, OF_ARGO.len() * (OF_ONE.len() + OF_TWO.len() * OF_ARGO.len()));
}

/// What once gave a plan that was refused.
#[test]
fn what_once_failed_is_a_plan_or_refused() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/regressions");
    let mut plans = 0;
    for (name, import) in [
        ("argo", argo::import as fn(&str) -> Result<Imported, dvt_import::Error>),
        ("github", github::import),
    ] {
        for path in crate::workflows::files(&folder.join(name)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let Ok(imported) = import(&text) else { continue };
            let plan = imported.text("the source");
            let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: plan.clone() });
            assert!(outcome.checked.is_some(), "{:#?}\n{}\n{plan}", outcome.diagnostics, path.display());
            plans += 1;
        }
    }
    assert!(plans >= 25, "{plans}");
}
