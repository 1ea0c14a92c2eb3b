//! Diagnostics as data: code, place, one sentence, why, fix, choices. Drawing them is the binary's job.

pub mod codes;
pub(crate) mod collector;
pub(crate) mod nearest;
pub mod pages;

pub use pages::pages;

use serde::Serialize;

/// A document and the name under which people know it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the caller wrote it.
    pub name: String,
    /// The text.
    pub text: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// The plan is refused.
    Error,
}

/// A place in the text: byte range plus the human position of its start (both from 1, columns in characters).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset after the last byte.
    pub end: usize,
    /// Line of the start.
    pub line: usize,
    /// Column of the start.
    pub column: usize,
}

/// One thing that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Stable code, `DVT-P…` or one of contract 15.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// One sentence, lower case, no full stop, user input in backticks.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Short text under the caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The reason, where it is not obvious.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The way out, as text that can be pasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Legal choices, nearest spelling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Related places with a note each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<(Span, String)>,
}
