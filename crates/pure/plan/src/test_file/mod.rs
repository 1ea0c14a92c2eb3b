//! Test files of plans: `*.test.yaml`, read into cases with the place of everything that may later be found wrong.
//!
//! It owns the format: stubs, acts, expectations. It plays nothing: whoever may drive the core does that. A name that the
//! plan does not have is refused here, before anything is played, for a stub of a misspelled step would stub nothing.

pub(crate) mod act;
pub(crate) mod case;
pub mod codes;
pub(crate) mod expect;
mod names;
pub(crate) mod stub;

pub use act::{Act, Deed, Moment};
pub use expect::{Expectation, StepExpectation};
pub use stub::{Answer, End, Stub};

use crate::diagnostic::collector::Collector;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::document::{Mode, Reader};
use crate::plan::Plan;
use crate::read;
use crate::read::texts::Texts;
use crate::read::tree::{Entry, Place};
use serde_json::Value;
use std::collections::BTreeMap;

/// Something and where it stands in the test file.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// What.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// A test file.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFile {
    /// The plan, as a path from the test file's folder.
    pub plan: Placed<String>,
    /// The cases, in the order of the text.
    pub cases: Vec<Case>,
}

/// One case: a run of the plan against stubs.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name.
    pub name: Placed<String>,
    /// Inputs of the run; their place, where there are any.
    pub inputs: Placed<BTreeMap<String, Value>>,
    /// How steps end, by step, item or compensation.
    pub stubs: BTreeMap<String, Stub>,
    /// What is done to the run while it goes on.
    pub acts: Vec<Act>,
    /// What must come of it.
    pub expect: Expectation,
}

/// What reading a test file gave.
#[derive(Debug, Clone)]
pub struct Read {
    /// The file, where no diagnostic is an error.
    pub file: Option<TestFile>,
    /// Everything that was noticed, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a test file.
pub fn read(source: &Source) -> Read {
    let texts = Texts::default();
    let mut sink = Collector::new(&source.text);
    let file = read::read(&mut sink, &texts).and_then(|root| {
        let mut reader = reader(&mut sink);
        case::file(&mut reader, &root)
    });
    let file = file.filter(|_| sink.errors() == 0);
    Read { file, diagnostics: sink.finish() }
}

/// Names of the test file that its plan does not have, with the nearest spelling.
pub fn unknown_names(source: &Source, file: &TestFile, plan: &Plan) -> Vec<Diagnostic> {
    let mut sink = Collector::new(&source.text);
    names::check(&mut sink, file, plan);
    sink.finish()
}

fn reader<'c, 't>(sink: &'c mut Collector<'t>) -> Reader<'c, 't> {
    Reader {
        sink,
        mode: Mode::Written,
        reach: crate::Reach::Runs,
        expressions: Vec::new(),
        known: crate::expression::Known::default(),
        patterns: 0,
        schemas: 0,
    }
}

impl Reader<'_, '_> {
    /// A value of an entry with its place.
    fn placed<T>(&self, entry: &Entry<'_>, value: T) -> Placed<T> {
        Placed { value, span: self.sink.span(place(entry)) }
    }
}

/// Where an entry's value stands, or its key where the value is left empty.
fn place(entry: &Entry<'_>) -> Place {
    crate::document::keys::or(entry.value.place, entry.place)
}
