//! Everything that looks at a plan's text: reader, checks, repairs, test files.

use super::{Target, lossy, source};
use dvt_plan::diagnostic::Severity;
use dvt_plan::{Reach, Surroundings, repair, security, stats, sub_plan::NoSubPlans, test_file};
use serde_json::Value;

/// The target.
pub(super) const TARGET: Target = Target {
    name: "reader",
    seeds: &["crates/pure/plan/tests/accepted", "crates/pure/plan/tests/refused", "examples"],
    words: WORDS,
    keys: &[],
    read,
};

const WORDS: &[&str] = &[
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

/// Everything that looks at a plan's text. What is accepted can be stored and read again, and keeps its digest.
fn read(text: &[u8]) -> Vec<String> {
    let source = source(lossy(text).into_owned());
    let whole = Surroundings { sub_plans: &NoSubPlans, reach: Reach::Language };
    let outcome = dvt_plan::check_with(&source, &whole);
    // Advice about security reads the text once more, so it is asked for some texts alone.
    let advice = if source.text.len() % 4 == 1 { security::check(&source) } else { Vec::new() };
    for diagnostic in outcome.diagnostics.iter().chain(&advice) {
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
    let again = dvt_plan::load_with(checked.canonical.value(), &whole);
    assert!(again.is_ok(), "a stored plan cannot be read again: {:?}", again.err());
    let digest = checked.digest();
    let stored = serde_json::from_slice::<Value>(checked.canonical.value().to_string().as_bytes());
    assert_eq!(stored.ok().map(|stored| dvt_plan::digest_of(&stored)), Some(digest), "the digest changed");
    assert!(stats::of(&checked).steps >= 1, "a plan without steps");
    checked.plan.steps.keys().map(|id| id.as_str().to_owned()).collect()
}
