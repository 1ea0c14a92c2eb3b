//! However much there is to be told, what refuses a plan is told.

use crate::lint;
use dvt_plan::diagnostic::Severity;

const TOKEN: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";

/// Steps of which each is warned about.
fn warned(count: usize, last: &str) -> String {
    let mut text = String::from("apiVersion: dvt/v1\nname: many\ninputs: { z: { type: string } }\nsteps:\n");
    for at in 0..count {
        text.push_str(&format!("  s{at}: {{ run: [echo, '${{{{ inputs.z }}}}'] }}\n"));
    }
    text.push_str(last);
    text
}

#[test]
fn an_error_is_never_hidden_behind_warnings() {
    let last = format!("  last: {{ run: [echo], env: {{ T: {TOKEN} }} }}\n");
    for count in [10, 1_990, 2_001, 4_000] {
        let clean = lint("plan.yaml", &warned(count, "  last: { run: [echo] }\n"));
        assert!(clean.checked.is_some() && clean.diagnostics.len() > 9, "control");
        assert!(clean.diagnostics.iter().all(|one| one.severity == Severity::Warning));
        let outcome = lint("plan.yaml", &warned(count, &last));
        assert!(outcome.checked.is_none());
        let errors: Vec<&str> = outcome
            .diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error)
            .map(|one| one.code.as_str())
            .collect();
        assert_eq!(errors.len(), 1, "{count}: {:?}", outcome.diagnostics.first());
    }
}

/// Warnings take no room from errors, nor errors from the count of what is not shown.
#[test]
fn what_is_not_shown_is_counted() {
    let mut last = String::new();
    (0..3_000).for_each(|at| last.push_str(&format!("  e{at}: {{ run: [echo], needs: none{at} }}\n")));
    let outcome = lint("plan.yaml", &warned(3_000, &last));
    let told = &outcome.diagnostics;
    assert_eq!(told.iter().filter(|one| one.severity == Severity::Error).count(), 100);
    let note = told.last().unwrap();
    assert!(note.message.starts_with("5900 more were noticed"), "{}", note.message);
}
