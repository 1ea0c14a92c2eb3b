//! Plays an imported plan against stubs, as `dvt plan test` does.

use dvt_import::Imported;
use dvt_plan::Checked;
use dvt_plan::diagnostic::Source;
use dvt_plan::test_file;
use dvt_rehearsal::Outcome;
use std::collections::BTreeMap;

/// The plan, which must be one.
pub(crate) fn plan(imported: &Imported) -> (Checked, String) {
    let text = imported.text("source");
    let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: text.clone() });
    (outcome.checked.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.diagnostics)), text)
}

/// What came of one test; `case` is what stands under its name.
fn rehearsed(imported: &Imported, case: &str) -> (Outcome, String) {
    let (checked, text) = plan(imported);
    let case: String = case.lines().map(|line| format!("    {line}\n")).collect();
    let source = Source {
        name: "plan.test.yaml".to_owned(),
        text: format!("plan: plan.yaml\ntests:\n  one:\n{case}"),
    };
    let read = test_file::read(&source);
    let file = read.file.unwrap_or_else(|| panic!("{:#?}\n{}", read.diagnostics, source.text));
    let unknown = test_file::unknown_names(&source, &file, &checked.plan);
    assert!(unknown.is_empty(), "{unknown:#?}\n{text}");
    (dvt_rehearsal::rehearse(&checked.plan, &file.cases[0]), text)
}

/// Plays a test with all that it expects.
pub(crate) fn played(imported: &Imported, case: &str) {
    let (outcome, text) = rehearsed(imported, case);
    assert!(outcome.differences.is_empty(), "{:#?}\n{case}\n{text}", outcome.differences);
}

/// How each step ended, `SUCCESS`, `FAILED` or `SKIPPED`; one that never began is not among them. `case` is what stands in a test
/// above `expect`.
pub(crate) fn play(imported: &Imported, case: &str) -> BTreeMap<String, String> {
    // Whoever asks looks at the steps: how the run ended is no matter.
    let (outcome, text) = rehearsed(imported, &format!("{case}\nexpect: {{status: COMPLETED}}"));
    let played = outcome.played.unwrap_or_else(|| panic!("{:#?}\n{text}", outcome.differences));
    let ended = |step: &dvt_rehearsal::Step| serde_json::to_value(step.status).unwrap();
    let steps = played.steps.iter().map(|(id, step)| (id.clone(), ended(step).as_str().unwrap().to_owned()));
    steps.filter(|(_, status)| status != "PENDING").collect()
}
