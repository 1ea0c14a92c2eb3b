//! The catalogue of refused plans: each file with the exact diagnostics that it must provoke.
//!
//! `DVT_BLESS=1` writes the expectations anew; the difference is then read by a person.

use crate::{catalogue, lint};
use dvt_plan::diagnostic::{Diagnostic, codes};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

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

/// The catalogue, and the one plan that is too large to be kept.
fn refused() -> Vec<(PathBuf, String)> {
    let mut all = catalogue("refused", &["yaml"]);
    let mut large = "apiVersion: dvt/v1\nname: large\nsteps:\n".to_owned();
    (0..50_001).for_each(|step| writeln!(large, "  s{step}: {{ run: [echo] }}").unwrap());
    let name = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused/p020-too-many-steps.yaml");
    all.push((name, large));
    all
}

#[test]
fn each_refused_plan_is_told_exactly_so() {
    let mut different = Vec::new();
    let mut count = 0;
    for (path, text) in refused() {
        count += 1;
        let outcome = lint("plan.yaml", &text);
        let found: String =
            outcome.diagnostics.iter().map(|one| told(one, &text)).collect::<Vec<_>>().join("\n");
        let data = format!("{}\n", serde_json::to_string_pretty(&outcome.diagnostics).unwrap());
        for (ending, found) in [("txt", &found), ("json", &data)] {
            let expected = path.with_extension(ending);
            if std::env::var_os("DVT_BLESS").is_some() {
                std::fs::write(&expected, found).unwrap();
            }
            let known = std::fs::read_to_string(&expected).unwrap_or_default();
            if known != *found || outcome.diagnostics.is_empty() {
                different.push(format!("{}\n{found}", expected.display()));
            }
        }
        let refused =
            outcome.diagnostics.iter().any(|one| one.severity == dvt_plan::diagnostic::Severity::Error);
        assert_eq!(outcome.checked.is_none(), refused, "{}", path.display());
    }
    println!("{count} refused plans, each with its diagnostics as text and as data");
    assert!(different.is_empty(), "told otherwise than expected:\n{}", different.join("\n"));
}

#[test]
fn messages_keep_the_house_style() {
    for (path, text) in refused() {
        for one in lint("plan.yaml", &text).diagnostics {
            let first = one.message.chars().next().unwrap();
            assert!(!first.is_uppercase(), "{}: {}", path.display(), one.message);
            assert!(!one.message.ends_with('.'), "{}: {}", path.display(), one.message);
            assert!(!one.message.to_lowercase().contains("please"), "{}", one.message);
            assert!(codes::find(&one.code).is_some(), "{}", one.code);
        }
    }
}

#[test]
fn each_code_is_provoked() {
    let mut provoked: BTreeSet<String> = BTreeSet::new();
    for (_, text) in refused() {
        provoked.extend(lint("plan.yaml", &text).diagnostics.into_iter().map(|one| one.code));
    }
    let missing: Vec<&str> =
        codes::ALL.iter().map(|one| one.code).filter(|code| !provoked.contains(*code)).collect();
    println!("{} codes, {} of them provoked", codes::ALL.len(), codes::ALL.len() - missing.len());
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
