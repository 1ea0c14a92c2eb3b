//! What is fuzzed: every reader of foreign text, with what must hold for each text besides that it ends.
//!
//! A target gives back what came out of a text that it accepted; the planted fault of the control hides behind that.

use dvt_import::dbt::{Form, Options};
use dvt_import::{Imported, argo, dbt, github, wfcommons};
use dvt_plan::diagnostic::{Severity, Source};
use dvt_plan::expression::check::Names;
use dvt_plan::expression::{self, Bindings};
use dvt_plan::{Reach, Surroundings, glob, repair, security, stats, sub_plan::NoSubPlans, test_file};
use dvt_scrub::Scrubber;
use serde_json::{Value, json};

/// A reader of foreign text.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Files and folders of the repository whose files are seeds; a file that ends in `.jsonl` has one a line.
    pub(crate) seeds: &'static [&'static str],
    /// Words of its language.
    pub(crate) words: &'static [&'static str],
    /// Reads a text; what came out. A promise that is not kept panics.
    pub(crate) read: fn(&[u8]) -> Vec<String>,
}

/// All of them.
pub(crate) const ALL: &[Target] = &[
    Target {
        name: "reader",
        seeds: &["crates/pure/plan/tests/accepted", "crates/pure/plan/tests/refused", "examples"],
        words: PLAN,
        read: reader,
    },
    Target {
        name: "expression",
        seeds: &["fuzz/seeds/expression.jsonl"],
        words: EXPRESSION,
        read: expression,
    },
    Target {
        name: "dbt",
        seeds: &["examples/dbt-shop", "crates/pure/import/testdata/dbt"],
        words: DBT,
        read: of_dbt,
    },
    Target {
        name: "wfcommons",
        seeds: &["examples/forkjoin", "crates/pure/import/testdata/wfcommons"],
        words: WFCOMMONS,
        read: |text| imported(wfcommons::import(&lossy(text)), true),
    },
    Target {
        name: "argo",
        seeds: &["examples/argo-coin", "crates/pure/import/testdata/argo"],
        words: ARGO,
        read: |text| imported(argo::import(&lossy(text)), false),
    },
    Target {
        name: "github",
        seeds: &["examples/github-build", "crates/pure/import/testdata/github"],
        words: GITHUB,
        read: |text| imported(github::import(&lossy(text)), false),
    },
    Target { name: "scrub", seeds: &["fuzz/seeds/scrub.jsonl"], words: SCRUB, read: scrub },
];

fn lossy(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}

fn source(text: String) -> Source {
    Source { name: "plan.yaml".to_owned(), text }
}

/// Everything that looks at a plan's text. What is accepted can be stored and read again, and keeps its digest.
fn reader(text: &[u8]) -> Vec<String> {
    let source = source(lossy(text).into_owned());
    let whole = Surroundings { sub_plans: &NoSubPlans, reach: Reach::Language };
    let outcome = dvt_plan::check_with(&source, &whole);
    for diagnostic in outcome.diagnostics.iter().chain(&security::check(&source)) {
        let span = diagnostic.span;
        assert!(
            source.text.get(span.start..span.end).is_some(),
            "a span outside of the text: {diagnostic:?}"
        );
    }
    if source.text.len().is_multiple_of(4) {
        drop(test_file::read(&source));
    }
    let refused = outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(outcome.checked.is_none(), refused, "a plan is given exactly where nothing is an error");
    let Some(checked) = outcome.checked else {
        // A repair checks the plan once for every edit that it tries, so not every text is worth one.
        if source.text.len().is_multiple_of(32) && source.text.len() <= 512 {
            drop(repair::repair(&source));
        }
        return Vec::new();
    };
    let again = dvt_plan::load_with(&checked.canonical, &whole);
    assert!(again.is_ok(), "a stored plan cannot be read again: {:?}", again.err());
    let digest = checked.digest();
    let stored = serde_json::from_slice::<Value>(checked.canonical.to_string().as_bytes());
    assert_eq!(stored.ok().map(|stored| dvt_plan::digest_of(&stored)), Some(digest), "the digest changed");
    assert!(stats::of(&checked).steps >= 1, "a plan without steps");
    checked.plan.steps.keys().map(|id| id.as_str().to_owned()).collect()
}

/// An expression, and the same text as a glob. It gives the same twice, and what it gives is bounded.
fn expression(text: &[u8]) -> Vec<String> {
    let text = lossy(text);
    if glob::check(&text).is_ok() {
        glob::matches(&text, "steps/a/b.csv");
    }
    let Ok(parsed) = expression::parse(&text) else { return Vec::new() };
    drop(expression::check::check(&parsed, &Names::default()));
    let values = json!({"a": 1, "b": [1.5, "ä🦀", null, true, {"c": "d"}], "text": "2026-01-01T00:00:00Z", "big": 9_007_199_254_740_991_u64});
    let names = ["inputs", "vars", "item"].map(|name| (name.to_owned(), values.clone()));
    let bindings = Bindings { names: names.into_iter().collect(), success: true, failure: false };
    let first = expression::evaluate(&parsed, &bindings);
    assert_eq!(first, expression::evaluate(&parsed, &bindings), "two evaluations differ");
    match first {
        Ok(Value::String(text)) => vec![text],
        Ok(value) => {
            assert!(value.to_string().len() <= 2 << 20, "a value beyond its bound");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// A manifest, in both forms; a first line that begins with `--select ` is a selection.
fn of_dbt(text: &[u8]) -> Vec<String> {
    let text = lossy(text);
    let (select, text) = match text.strip_prefix("--select ").and_then(|rest| rest.split_once('\n')) {
        Some((select, rest)) => (Some(select), rest),
        None => (None, text.as_ref()),
    };
    let import = |form| imported(dbt::import(text, &Options { form, select, exclude: None }), true);
    drop(import(Form::Simulated));
    import(Form::Program)
}

/// Codes that would mean that a foreign text broke out of the place that it was written to.
const BROKEN_OUT: [&str; 5] = ["DVT-P001", "DVT-P002", "DVT-P004", "DVT-P005", "DVT-P009"];

/// What is imported is a document of a plan; where no expression of the foreign file is kept, none stands in it.
fn imported(imported: Result<Imported, dvt_import::Error>, has_no_expression: bool) -> Vec<String> {
    let Ok(imported) = imported else { return Vec::new() };
    let outcome = dvt_plan::check(&source(imported.text("the source")));
    for diagnostic in &outcome.diagnostics {
        let is_broken = BROKEN_OUT.contains(&diagnostic.code.as_str());
        assert!(!is_broken, "{diagnostic:?} in\n{}", imported.text("the source"));
    }
    if let Some(checked) = &outcome.checked {
        let steps = (checked.plan.steps.len() + checked.plan.finally.len()) as u64;
        assert_eq!(steps, imported.report.steps, "steps of the plan and of the report");
        assert!(
            !has_no_expression || !checked.canonical.to_string().contains("${{"),
            "an expression of a foreign file"
        );
    }
    let steps = imported.plan.get("steps").map(dvt_import::Node::entries).unwrap_or_default();
    let title = |step: &dvt_import::Node| match step.get("title") {
        Some(dvt_import::Node::Text(title)) => Some(title.clone()),
        _ => None,
    };
    steps.iter().flat_map(|(id, step)| title(step).into_iter().chain([id.clone()])).collect()
}

/// The secret of the stream below.
const SECRET: &str = "vT9-qUx_4417";

/// A line and a stream in two chunks: the secret never comes out, and what is found lies within the text.
fn scrub(text: &[u8]) -> Vec<String> {
    let Ok(scrubber) = Scrubber::new(&[SECRET]) else { return Vec::new() };
    for finding in scrubber.find_bytes(text) {
        assert!(text.get(finding.range.clone()).is_some(), "a finding outside of the text");
    }
    let line = scrubber.scrub_line(&lossy(text)).into_owned();
    assert!(!line.contains(SECRET), "the secret in a line");
    let at = text.first().map_or(0, |first| usize::from(*first)).min(text.len());
    let (before, after) = text.split_at(at);
    let mut stream = scrubber.stream();
    let mut out = stream.push(before);
    out.extend(stream.push(after));
    out.extend(stream.finish());
    assert!(!out.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "the secret in a stream");
    // The word before the first mask, so that the control has to be masked to be met.
    line.split_once("[REDACTED]").map(|(before, _)| before.trim().to_owned()).into_iter().collect()
}

const PLAN: &[&str] = &[
    "apiVersion: dvt/v1\n",
    "name: ",
    "steps:\n  ",
    "inputs: { x: { type: string, default: a } }\n",
    "needs: [",
    "run: [echo, a]\n",
    "script: |\n",
    "uses: dvt/noop@1\n",
    "with: { simulate: 5ms }",
    "if: ",
    "foreach: ",
    "retry: { max: 3, backoff: exponential }",
    "timeout: 10m",
    "approval: { role: operator }",
    "signal: go",
    "wait: 1h",
    "waitUntil: ",
    "plan: ",
    "compensate: ",
    "finally:\n  ",
    "outputs: ",
    "permissions: ",
    "limits: { maxParallel: 3 }",
    "concurrency: ",
    "defaults: ",
    "env: { A: b }",
    "files: [\"*.csv\"]",
    "secrets: [x]",
    "continueOnError: true",
    "onStepFailure: hold",
    "${{ ",
    " }}",
    "steps.a.output",
    "inputs.x",
    "always()",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "---\n",
    "? ",
    "- ",
    "|+\n",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "# ",
    "exclude: [",
    "maxParallel: 2",
    "tags: [a]",
    "shell: sh",
    "output: text",
    "classification: ",
    "title: ",
];
const EXPRESSION: &[&str] = &[
    "inputs",
    ".",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ":",
    ", ",
    " ? ",
    " : ",
    " && ",
    " || ",
    " == ",
    " != ",
    " <= ",
    " >= ",
    " in ",
    "!",
    "-",
    " + ",
    " * ",
    " / ",
    " % ",
    "size(",
    "string(",
    "int(",
    "double(",
    "has(",
    ".map(x, ",
    ".filter(x, ",
    ".all(x, ",
    ".exists(x, ",
    ".contains(",
    ".startsWith(",
    ".endsWith(",
    ".matches(",
    ".join(",
    ".split(",
    "toJson(",
    "fromJson(",
    "format(",
    "true",
    "false",
    "null",
    "'",
    "\"",
    "r'",
    "\\u00e4",
    "\\x41",
    "0x7f",
    "1e10",
    "9223372036854775807",
    "vars.b",
    "item.text",
    "always()",
    "b[0]",
    "??",
    ".?",
];
const DBT: &[&str] = &[
    "--select ",
    "tag:",
    "+",
    "@",
    "2+",
    ",",
    "path:",
    "fqn:",
    "config.materialized:",
    "source:",
    "test_type:generic",
    "*",
    "\"nodes\":{",
    "\"sources\":{",
    "\"metadata\":{",
    "\"resource_type\":\"",
    "model",
    "seed",
    "snapshot",
    "test",
    "operation",
    "\"depends_on\":{\"nodes\":[",
    "\"tags\":[",
    "on-run-start",
    "on-run-end",
    "\"config\":{",
    "\"severity\":\"warn\"",
    "\"fqn\":[",
    "\"original_file_path\":\"",
    "\"name\":\"",
    "\"package_name\":\"",
    "model.shop.",
    "\"disabled\":{",
    "\"exposures\":{",
    "\"unit_tests\":{",
    "\\u0000",
    "\\n",
    "${{",
    "order:last:1",
    "},",
    "]",
    "https://schemas.getdbt.com/dbt/manifest/v12.json",
];
const WFCOMMONS: &[&str] = &[
    "\"workflow\":{",
    "\"specification\":{",
    "\"tasks\":[",
    "\"execution\":{",
    "\"runtimeInSeconds\":",
    "\"runtime\":",
    "\"parents\":[",
    "\"children\":[",
    "\"id\":\"",
    "\"name\":\"",
    "\"command\":{",
    "\"inputFiles\":[",
    "\"machines\":[",
    "\"schemaVersion\":\"1.5\"",
    "-1",
    "1e300",
    "0.0000001",
    "},{",
    "]",
    "\\u0000",
    "\\n",
    "${{",
    "\"",
];
const ARGO: &[&str] = &[
    "apiVersion: argoproj.io/v1alpha1\n",
    "kind: Workflow\n",
    "kind: CronWorkflow\n",
    "kind: WorkflowTemplate\n",
    "metadata: {name: a}\n",
    "spec:\n  ",
    "entrypoint: ",
    "templates:\n  - ",
    "dag: {tasks: [",
    "steps: [[",
    "container: {image: a, command: [sh, -c], args: [",
    "script: ",
    "source: ",
    "command: [python]",
    "suspend: {}",
    "duration: 10",
    "withItems: [",
    "withParam: ",
    "withSequence: {count: 3}",
    "when: ",
    "depends: ",
    "dependencies: [",
    "arguments: {parameters: [{name: a, value: ",
    "inputs: {parameters: [{name: a}]}",
    "outputs: ",
    "valueFrom: ",
    "retryStrategy: ",
    "onExit: ",
    "hooks: {exit: ",
    "continueOn: {failed: true}",
    "templateRef: ",
    "inline: ",
    "containerSet: {containers: [",
    "{{inputs.parameters.a}}",
    "{{workflow.parameters.a}}",
    "{{tasks.a.outputs.result}}",
    "{{item}}",
    "{{item.a}}",
    "{{=",
    "}}",
    ".Succeeded",
    " && ",
    " || ",
    "!",
    "<<EOF\n",
    "$(",
    "'",
    "\"",
    "---\n",
    "&a ",
    "*a",
    "<<: ",
    "activeDeadlineSeconds: 3",
    "${{",
];
const GITHUB: &[&str] = &[
    "on: push\n",
    "on: {workflow_dispatch: {inputs: {a: {type: boolean, default: true}}}}\n",
    "jobs:\n  ",
    "needs: [",
    "strategy: {matrix: {",
    "include: [{",
    "exclude: [{",
    "if: ",
    "env: {A: ",
    "steps:\n    - ",
    "run: ",
    "uses: ",
    "with: {",
    "shell: bash",
    "shell: python",
    "shell: pwsh",
    "working-directory: ",
    "id: ",
    "outputs: {",
    "timeout-minutes: 3",
    "continue-on-error: true",
    "defaults: {run: {shell: sh}}",
    "${{ ",
    " }}",
    "github.event.issue.title",
    "matrix.a",
    "steps.a.outputs.b",
    "needs.a.result",
    "secrets.A",
    "env.A",
    "inputs.a",
    "format('{0}', ",
    "fromJson(",
    "contains(",
    "always()",
    "failure()",
    " && ",
    " || ",
    "!",
    "==",
    "<<'EOF'\n",
    "$(",
    "'",
    "\"",
    "`",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "name: ",
];
const SCRUB: &[&str] = &[
    "vT9-qUx_4417",
    "vT9-",
    "qUx_4417",
    "dlQ5LXFVeF80NDE3",
    "7654392d7155785f34343137",
    "vT9%2DqUx%5F4417",
    "password=",
    "token: ",
    "AKIA",
    "ghp_",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "-----END RSA PRIVATE KEY-----\n",
    "Authorization: Bearer ",
    "eyJhbGciOi",
    "xoxb-",
    "\n",
    "\r\n",
    "[REDACTED]",
    "://user:",
    "@host",
    "\"secret\": \"",
    "\\",
    "=",
    "AIza",
    "sk_live_",
    "0123456789abcdef0123456789abcdef",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_have_their_names_once_and_the_control_can_be_met() {
        let names: std::collections::BTreeSet<&str> = ALL.iter().map(|target| target.name).collect();
        assert_eq!(names.len(), ALL.len());
        let plan = b"apiVersion: dvt/v1\nname: a\nsteps:\n  plant_74: { uses: dvt/noop@1 }\n";
        assert_eq!(reader(plan), ["plant_74"]);
        assert_eq!(expression(b"'plant_74'"), ["plant_74"]);
        assert_eq!(scrub(b"plant_74 vT9-qUx_4417"), ["plant_74"]);
    }
}
