//! The catalogue of refused plans: each file with the exact diagnostics that it must provoke.
//!
//! `DVT_BLESS=1` writes the expectations anew; the difference is then read by a person.

use crate::{catalogue, lint};
use dvt_plan::diagnostic::{Diagnostic, codes};
use std::collections::BTreeSet;
use std::fmt::Write;

fn told(one: &Diagnostic, text: &str) -> String {
    let mut out = String::new();
    let severity = format!("{:?}", one.severity).to_lowercase();
    writeln!(out, "{severity}[{}] {}:{}: {}", one.code, one.span.line, one.span.column, one.message).unwrap();
    let marked = text.get(one.span.start..one.span.end).unwrap().lines().next().unwrap_or_default();
    writeln!(out, "  at: {marked}").unwrap();
    for (name, part) in [("label", &one.label), ("why", &one.why), ("fix", &one.fix)] {
        if let Some(part) = part {
            writeln!(out, "  {name}: {}", part.replace('\n', "\n    ")).unwrap();
        }
    }
    if !one.choices.is_empty() {
        writeln!(out, "  choices: {}", one.choices.join(", ")).unwrap();
    }
    for (span, note) in &one.related {
        writeln!(out, "  {}:{}: {note}", span.line, span.column).unwrap();
    }
    out
}

#[test]
fn each_refused_plan_is_told_exactly_so() {
    let mut different = Vec::new();
    for (path, text) in catalogue("refused", &["yaml"]) {
        let outcome = lint("plan.yaml", &text);
        let found: String =
            outcome.diagnostics.iter().map(|one| told(one, &text)).collect::<Vec<_>>().join("\n");
        let expected = path.with_extension("txt");
        if std::env::var_os("DVT_BLESS").is_some() {
            std::fs::write(&expected, &found).unwrap();
        }
        let known = std::fs::read_to_string(&expected).unwrap_or_default();
        if known != found || found.is_empty() {
            different.push(format!("{}\n{found}", path.display()));
        }
        let refused =
            outcome.diagnostics.iter().any(|one| one.severity == dvt_plan::diagnostic::Severity::Error);
        assert_eq!(outcome.checked.is_none(), refused, "{}", path.display());
    }
    assert!(different.is_empty(), "told otherwise than expected:\n{}", different.join("\n"));
}

#[test]
fn messages_keep_the_house_style() {
    for (path, text) in catalogue("refused", &["yaml"]) {
        for one in lint("plan.yaml", &text).diagnostics {
            let first = one.message.chars().next().unwrap();
            assert!(!first.is_uppercase(), "{}: {}", path.display(), one.message);
            assert!(!one.message.ends_with('.'), "{}: {}", path.display(), one.message);
            assert!(!one.message.to_lowercase().contains("please"), "{}", one.message);
            assert!(codes::find(&one.code).is_some(), "{}", one.code);
        }
    }
}

/// Two codes need plans too large for a file; the test of sizes provokes them.
#[test]
fn each_code_is_provoked() {
    let mut provoked: BTreeSet<String> =
        ["DVT-P020", "DVT-P029", "PLAN_UNBOUNDED"].map(str::to_owned).into_iter().collect();
    for (_, text) in catalogue("refused", &["yaml"]) {
        provoked.extend(lint("plan.yaml", &text).diagnostics.into_iter().map(|one| one.code));
    }
    let missing: Vec<&str> =
        codes::ALL.iter().map(|one| one.code).filter(|code| !provoked.contains(*code)).collect();
    assert!(missing.is_empty(), "no plan provokes {missing:?}");
}

#[test]
fn a_secret_is_never_repeated() {
    let text = format!(
        "apiVersion: dvt/v1\nname: a\nvars: {{ k: AKIA{} }}\nsteps: {{ a: {{ run: [x] }} }}\n",
        "IOSFODNN7ABCDEFG"
    );
    let outcome = lint("plan.yaml", &text);
    assert_eq!(outcome.diagnostics[0].code, "SECRET_IN_PLAN");
    assert!(!serde_json::to_string(&outcome.diagnostics).unwrap().contains("IOSFODNN7"));
    // Control: the same plan without the key is accepted.
    assert!(lint("plan.yaml", &text.replace("AKIA", "akin")).checked.is_some());
}
