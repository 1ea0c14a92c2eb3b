//! What a condition of GitHub says is what the plan's says, where values of different kinds meet.

use dvt_import::github;
use dvt_plan::diagnostic::Source;
use dvt_plan::expression::{Bindings, evaluate};
use serde_json::json;

/// Conditions and their answers: `ref` is a branch, `head_ref` is empty, `flag` is false, `count` is 2.
const CONDITIONS: [(&str, bool); 64] = [
    ("github.ref == 'refs/heads/main'", true),
    ("null == ''", true),
    ("github.head_ref == null", true),
    ("github.ref != null", true),
    ("inputs.flag == null", true),
    ("null == inputs.count", false),
    ("matrix.none == null", true),
    ("matrix.list == null", false),
    ("matrix.list == 'Array'", false),
    ("matrix.list != 1", true),
    ("matrix.map == inputs.flag", false),
    ("inputs.count == '2'", true),
    ("contains(matrix.list, 'a')", true),
    ("contains(matrix.list, 1)", false),
    ("contains(matrix.list, matrix.map)", false),
    ("contains(matrix.mixed, '1')", true),
    ("contains(github.ref, null)", true),
    ("contains(inputs.count, 2)", true),
    ("contains(fromJson('[1, 2]'), 2)", true),
    ("contains(fromJson(github.event.l), 'x')", true),
    ("join(matrix.mixed, '-') == '1-a--Array'", true),
    ("join(fromJson(github.event.n), '') == '12'", true),
    ("join(github.ref) == github.ref", true),
    ("matrix.list < 1", false),
    ("'a' < 1 || 'a' >= 1", false),
    ("inputs.flag < 1 && null <= 0", true),
    ("'10' > 9", true),
    ("github.event.ten > github.event.nine", false),
    ("github.head_ref || 'main'", true),
    ("(github.head_ref || 'main') == 'main'", true),
    ("(github.ref && 'x') == 'x'", true),
    ("(github.head_ref && 'x' || 'y') == 'y'", true),
    ("(inputs.count == 2 && github.head_ref || 'y') == 'y'", true),
    ("(inputs.count == 2 && null || inputs.flag || 'z') == 'z'", true),
    ("format('{0}{1}{2}', null, matrix.list, matrix.map) == 'ArrayObject'", true),
    ("format('{{{0}}}', 1) == '{1}'", true),
    ("startsWith(inputs.count, 2)", true),
    ("!matrix.none && matrix.list && !inputs.flag", true),
    ("github.event.ten == 'success()' || failure()", false),
    ("format('{0}', inputs.flag && 1 || null) == ''", true),
    // Where both texts are known it is known too that case is nothing to GitHub.
    ("matrix.os == 'UBUNTU-latest'", true),
    ("matrix.os != 'UBUNTU-latest'", false),
    ("matrix.os != 'windows'", true),
    ("contains(matrix.os, 'ubuntu')", true),
    ("contains('a WINDOWS b', 'windows')", true),
    ("startsWith(matrix.os, 'ubuntu-')", true),
    ("endsWith(matrix.os, 'LATEST')", true),
    ("contains(matrix.list, 'A')", true),
    ("contains(matrix.list, 'C')", false),
    ("runner.os == 'linux'", true),
    ("'a' < 'B' && 'C' >= 'b'", true),
    ("matrix.list == 'ARRAY'", false),
    // Beside a flag or a number a text is a number, or equals nothing.
    ("inputs.flag == 'false'", false),
    ("inputs.flag != 'false'", true),
    ("inputs.flag == ''", true),
    ("inputs.flag == '0'", true),
    ("inputs.flag == '1'", false),
    ("inputs.flag == 0", true),
    ("inputs.count == ' 2.0 '", true),
    ("inputs.count != 'two'", true),
    ("inputs.count == inputs.flag", false),
    // Of an event inputs are texts.
    ("github.event.inputs.flag", true),
    ("github.event.inputs.flag == 'false'", true),
    ("github.event.inputs.count == '2'", true),
];

#[test]
fn conditions_of_github_mean_what_they_mean_there() {
    let mut text = "on: {workflow_dispatch: {inputs: {flag: {type: boolean}, count: {type: number}}}}\njobs:\n  a:\n    strategy: {matrix: {list: [[a, b]], mixed: [[1, a, null, [b]]], map: [{k: v}], none: [null], os: [Ubuntu-latest]}}\n    steps:\n".to_owned();
    for (at, (condition, _)) in CONDITIONS.iter().enumerate() {
        text.push_str(&format!("      - {{id: c{at}, run: echo, if: {}}}\n", json!(condition)));
    }
    let imported = github::import(&text).unwrap();
    let whens: Vec<_> = imported.report.lost.iter().filter(|loss| loss.what == "if").collect();
    assert!(whens.is_empty(), "{whens:#?}");
    let plan = imported.text("the source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: plan.clone() });
    let checked = outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{plan}", outcome.diagnostics));
    let inputs = json!({
        "flag": false, "count": 2, "github_ref": "refs/heads/main", "github_head_ref": "",
        "github_event_l": "[\"x\"]", "github_event_n": "[1, 2]", "github_event_ten": "10", "github_event_nine": "9",
    });
    let bindings = Bindings { names: [("inputs".to_owned(), inputs)].into(), ..Bindings::default() };
    let mut wrong = Vec::new();
    for (at, (condition, expected)) in CONDITIONS.iter().enumerate() {
        let end = format!("_c{at}");
        let (_, step) = checked.plan.steps.iter().find(|(id, _)| id.as_str().ends_with(&end)).unwrap();
        let rendered = step.condition.as_ref().unwrap();
        let answer = evaluate(rendered, &bindings);
        if answer.as_ref().ok() != Some(&json!(expected)) {
            wrong.push(format!("{condition}: {answer:?} of {}", rendered.source()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `(what is compared with, line:column)` of what a condition of GitHub is told to lose.
fn cased(conditions: &[&str]) -> Vec<String> {
    let mut text = "on: {workflow_dispatch: {inputs: {a: {type: string}}}}\njobs:\n  a:\n    strategy: {matrix: {os: [Linux]}}\n    steps:\n".to_owned();
    for condition in conditions {
        text.push_str(&format!("      - {{id: s, run: echo, if: {}}}\n", json!(condition)));
    }
    let imported = github::import(&text).unwrap();
    let told = imported.report.lost.into_iter().filter(|loss| loss.what == "comparison");
    told.flat_map(|loss| loss.named).collect()
}

#[test]
fn where_case_could_matter_it_is_told() {
    let open = [
        "inputs.a == 'Yes'",
        "'yes' != inputs.a",
        "inputs.a == github.ref",
        "contains(inputs.a, 'x')",
        "startsWith(inputs.a, matrix.os)",
        "contains(fromJson(inputs.a), 'k')",
        "inputs.a < 'b'",
        "steps.s.outcome == 'Success'",
    ];
    let words = ["Yes", "yes", "==", "x", "startsWith", "k", "b", "Success"];
    let told = cased(&open);
    for (at, word) in words.iter().enumerate() {
        let place = format!("{word} at {}:", at + 6);
        assert!(told.iter().any(|named| named.starts_with(&place)), "{place} {told:?}");
    }
    assert_eq!(told.len(), words.len(), "{told:?}");
    let same = [
        "inputs.a == ''",
        "inputs.a == '1.2'",
        "inputs.a == null",
        "steps.s.outcome == 'success'",
        "matrix.os == 'linux'",
        "inputs.a == 12",
        "contains(inputs.a, '-')",
    ];
    assert_eq!(cased(&same), Vec::<String>::new());
}
