//! The plan language: text to spanned tree, checks, expressions, bounds, digest, and diagnostics as data.
//!
//! A plan is data. It is read, checked and bounded before anything runs. This crate runs nothing and reads no file:
//! whoever has the text brings it.

pub mod bounds;
pub mod canonical;
mod check;
mod compile;
mod definition;
pub mod diagnostic;
pub mod difference;
mod document;
pub mod editor;
pub mod expression;
pub mod format;
pub mod glob;
pub mod graph;
pub mod input;
pub mod plan;
mod read;
pub mod repair;
pub mod security;
pub mod select;
mod session;
pub mod stats;
pub mod sub_plan;
pub mod template;
pub mod test_file;

use compile::Compiled;
use diagnostic::Diagnostic;
use diagnostic::collector::Collector;
use document::Mode;
use dvt_model::digest::Digest;
use read::texts::Texts;
use read::tree::Node;
use serde_json::Value;
use session::Session;
use std::collections::BTreeMap;
use sub_plan::{NoSubPlans, SubPlans};

/// Whether a text is a semantic version as `version` takes it.
pub fn is_semantic_version(text: &str) -> bool {
    document::plan::is_semantic_version(text)
}

/// Milliseconds of a duration as plans write it (`90s`, `1h30m`), at most a year; a number without a unit is none.
pub fn duration_ms(text: &str) -> Option<u64> {
    document::duration::parse(text).filter(|ms| *ms <= document::duration::LONGEST_MS)
}

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
    pub canonical: canonical::Document,
    /// The worst case.
    pub bounds: plan::Bounds,
    /// The canonical documents of all plans below it, by the digests that it and they pin.
    pub sub_plans: BTreeMap<Digest, Value>,
}

impl Checked {
    /// SHA-256 of the canonical form (RFC 8785).
    pub fn digest(&self) -> Digest {
        self.canonical.digest()
    }

    /// The same plan with the digest of its packed `files` in its canonical form.
    #[must_use]
    pub fn with_files(mut self, files: Digest) -> Self {
        self.canonical = self.canonical.with(document::plan::FILES_DIGEST, files.to_string());
        definition::fill(&mut self.plan, self.canonical.value());
        self
    }
}

/// The digest of a canonical document, as [`Checked::digest`] gives it.
#[expect(clippy::expect_used, reason = "reading refused every number and depth that has no canonical form")]
pub fn digest_of(canonical: &Value) -> Digest {
    Digest::of(&dvt_model::canonical::to_bytes(canonical).expect("a checked document has a canonical form"))
}

/// How much of the language is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// What this release can do. What needs walls, secrets or plugins is refused with what to do meanwhile.
    #[default]
    Runs,
    /// All of it.
    Language,
}

/// What a check needs besides the text.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    /// Where sub-plans come from.
    pub sub_plans: &'s dyn SubPlans,
    /// How much of the language is accepted.
    pub reach: Reach,
}

impl Default for Surroundings<'_> {
    /// No sub-plans, and what this release can do.
    fn default() -> Self {
        Self { sub_plans: &NoSubPlans, reach: Reach::Runs }
    }
}

/// Reads a plan from YAML 1.2 or JSON text and checks it; sub-plans are not found.
pub fn check(source: &diagnostic::Source) -> Outcome {
    check_with(source, &Surroundings::default())
}

/// Reads a plan from YAML 1.2 or JSON text and checks it together with its sub-plans.
pub fn check_with(source: &diagnostic::Source, surroundings: &Surroundings<'_>) -> Outcome {
    let session = Session::new(surroundings.sub_plans, surroundings.reach, false);
    let (found, diagnostics) = check_within(source, &session);
    let checked = found.map(|(checked, _)| Checked { sub_plans: session.documents.into_inner(), ..checked });
    Outcome { checked, diagnostics }
}

type Found = Option<(Checked, BTreeMap<String, expression::check::Shape>)>;

fn check_within(source: &diagnostic::Source, session: &Session<'_>) -> (Found, Vec<Diagnostic>) {
    let texts = Texts::default();
    let mut sink = Collector::new(&source.text);
    let Some(root) = read::read(&mut sink, &texts) else { return (None, sink.finish()) };
    let compiled = compile::compile(&root, Mode::Written, &source.name, session, &mut sink);
    let checked = compiled.map(|Compiled { mut plan, bounds, outputs }| {
        let canonical = canonical::Document::new(canonical::write(&root, &mut plan));
        (Checked { plan, canonical, bounds, sub_plans: BTreeMap::new() }, outputs)
    });
    (checked, sink.finish())
}

/// The JSON value of a text, whatever it says: what the schema for editors is asked about. What cannot be read has none.
pub fn value(text: &str) -> Result<Value, Vec<Diagnostic>> {
    let texts = Texts::default();
    let mut sink = Collector::new(text);
    match (read::read(&mut sink, &texts), sink.errors()) {
        (Some(root), 0) => Ok(root.to_value()),
        _ => Err(sink.finish()),
    }
}

/// How many events of the parser the reading of a text takes, until its end or until it is refused.
pub fn events(text: &str) -> usize {
    let mut sink = Collector::new(text);
    let texts = Texts::default();
    let _root = read::read(&mut sink, &texts);
    sink.events()
}

/// Compiles a stored canonical document again (it was checked when it was published). Its sub-plans are left out.
pub fn load(canonical: &Value) -> Result<plan::Plan, Vec<Diagnostic>> {
    let session = Session::new(&NoSubPlans, Reach::Runs, true);
    load_within(canonical, "", &session).map(|compiled| compiled.plan)
}

/// Compiles a stored canonical document again, together with its sub-plans.
pub fn load_with(canonical: &Value, surroundings: &Surroundings<'_>) -> Result<plan::Plan, Vec<Diagnostic>> {
    let session = Session::new(surroundings.sub_plans, surroundings.reach, false);
    load_within(canonical, "", &session).map(|compiled| compiled.plan)
}

fn load_within(document: &Value, from: &str, session: &Session<'_>) -> Result<Compiled, Vec<Diagnostic>> {
    let mut sink = Collector::new("");
    // The stored document passed the budgets of reading; its depth is asked again, for the tree is walked by recursion.
    if dvt_model::canonical::to_bytes(document).is_err() {
        let report = read::measure::too_deep(read::tree::Place::default());
        sink.add(report);
        return Err(sink.finish());
    }
    let root = Node::from_value(document);
    match compile::compile(&root, Mode::Canonical, from, session, &mut sink) {
        Some(mut compiled) => {
            definition::fill(&mut compiled.plan, document);
            Ok(compiled)
        }
        None => Err(sink.finish()),
    }
}
