//! SARIF 2.1.0 (OASIS): one run, one rule a code with its page, one result a diagnostic.
//!
//! Regions are counted in characters, as `columnKind` says; paths are relative references, percent-encoded.

use dvt_plan::diagnostic::{Diagnostic, Severity, Source, Span};
use serde_json::{Value, json};

/// One diagnostic.
pub(super) fn result(source: &Source, one: &Diagnostic) -> Value {
    let mut text = one.message.clone();
    for part in [&one.label, &one.why].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(part);
    }
    if let Some(fix) = &one.fix {
        text.push_str("; write: ");
        text.push_str(fix);
    }
    let related: Vec<Value> = one
        .related
        .iter()
        .enumerate()
        .map(|(id, (span, note))| {
            json!({"id": id, "message": {"text": note}, "physicalLocation": place(source, *span)})
        })
        .collect();
    let mut result = json!({
        "ruleId": one.code,
        "level": match one.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": {"text": text},
        "locations": [{"physicalLocation": place(source, one.span)}],
    });
    if let (false, Some(result)) = (related.is_empty(), result.as_object_mut()) {
        result.insert("relatedLocations".to_owned(), Value::Array(related));
    }
    result
}

/// The whole log.
pub(super) fn log(results: Vec<Value>) -> Value {
    let rules: Vec<Value> = super::super::explain::all()
        .into_iter()
        .filter(|(code, _)| results.iter().any(|result| result.get("ruleId") == Some(&json!(code))))
        .map(|(code, page)| {
            json!({
                "id": code,
                "shortDescription": {"text": super::super::explain::title(page)},
                "help": {"text": page, "markdown": page},
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "dvt",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://github.com/dunay2/dvt-engine",
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn place(source: &Source, span: Span) -> Value {
    let marked = source.text.get(span.start..span.end).unwrap_or_default();
    let lines = marked.matches('\n').count();
    let last = marked.rsplit('\n').next().unwrap_or_default().chars().count();
    let end_column = if lines == 0 { span.column + last } else { last + 1 };
    json!({
        "artifactLocation": {"uri": reference(&source.name)},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.line + lines,
            "endColumn": end_column,
        },
    })
}

/// A path as a reference: `a b.yaml` is `a%20b.yaml`, an absolute path has its scheme.
fn reference(path: &str) -> String {
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.trim_start_matches("./").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
