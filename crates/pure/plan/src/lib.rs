//! The plan language: text to spanned tree, checks, expressions, bounds, digest, and diagnostics as data.
//!
//! A plan is data. It is read, checked and bounded before anything runs. This crate runs nothing and reads no file:
//! whoever has the text brings it.

pub mod bounds;
mod canonical;
mod check;
mod compile;
pub mod diagnostic;
mod document;
pub mod expression;
pub mod glob;
pub mod input;
pub mod plan;
mod read;
pub mod stats;
pub mod template;
pub mod test_file;

use diagnostic::Diagnostic;
use diagnostic::collector::Collector;
use document::Mode;
use dvt_model::digest::Digest;
use read::tree::Node;
use serde_json::Value;

/// What reading and checking a document gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The plan, where no diagnostic is an error.
    pub checked: Option<Checked>,
    /// Everything that was noticed, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// A plan that passed every check.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The compiled plan.
    pub plan: plan::Plan,
    /// The document, normalised (single `needs` a list, durations in ms), without defaults filled in. Where the plan has
    /// `files`, the caller adds `filesDigest` with [`Checked::with_files`] before it asks for the digest.
    pub canonical: Value,
    /// The worst case.
    pub bounds: plan::Bounds,
}

impl Checked {
    /// SHA-256 of the canonical form (RFC 8785).
    pub fn digest(&self) -> Digest {
        digest_of(&self.canonical)
    }

    /// The same plan with the digest of its packed `files` in its canonical form.
    #[must_use]
    pub fn with_files(mut self, files: Digest) -> Self {
        if let Some(document) = self.canonical.as_object_mut() {
            document.insert(document::plan::FILES_DIGEST.to_owned(), Value::String(files.to_string()));
        }
        self
    }
}

/// The digest of a canonical document, as [`Checked::digest`] gives it.
#[expect(clippy::expect_used, reason = "reading refused every number and depth that has no canonical form")]
pub fn digest_of(canonical: &Value) -> Digest {
    Digest::of(&dvt_model::canonical::to_bytes(canonical).expect("a checked document has a canonical form"))
}

/// Reads a plan from YAML 1.2 or JSON text and checks it.
pub fn check(source: &diagnostic::Source) -> Outcome {
    let mut sink = Collector::new(&source.text);
    let Some(root) = read::read(&mut sink) else {
        return Outcome { checked: None, diagnostics: sink.finish() };
    };
    let compiled = compile::compile(&root, Mode::Written, &mut sink);
    let checked = compiled.map(|(plan, bounds)| Checked {
        plan,
        canonical: canonical::normalise(root.to_value()),
        bounds,
    });
    Outcome { checked, diagnostics: sink.finish() }
}

/// Compiles a stored canonical document again (it was checked when it was published).
pub fn load(canonical: &Value) -> Result<plan::Plan, Vec<Diagnostic>> {
    let mut sink = Collector::new("");
    // The stored document passed the budgets of reading; its depth is asked again, for the tree is walked by recursion.
    if dvt_model::canonical::to_bytes(canonical).is_err() {
        let report = read::measure::too_deep(read::tree::Place::default());
        sink.add(report);
        return Err(sink.finish());
    }
    let root = Node::from_value(canonical);
    match compile::compile(&root, Mode::Canonical, &mut sink) {
        Some((plan, _)) => Ok(plan),
        None => Err(sink.finish()),
    }
}
