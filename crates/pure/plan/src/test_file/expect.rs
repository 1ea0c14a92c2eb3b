//! `expect`: what must come of the run. Only what is named is compared.

use super::{Placed, place};
use crate::diagnostic::Span;
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::diagnostic::nearest;
use crate::document::Reader;
use crate::document::keys::{Family, Level};
use crate::read::tree::{Entry, Kind};
use dvt_model::code::Code;
use dvt_model::run::{RunStatus, StepStatus};
use serde_json::Value;

/// What is expected of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    /// The run's end.
    pub status: Option<Placed<RunStatus>>,
    /// The code of a run that fails.
    pub code: Option<Placed<Code>>,
    /// Steps in the order in which their first attempts begin; others may stand between.
    pub order: Vec<Placed<String>>,
    /// Steps.
    pub steps: Vec<StepExpectation>,
    /// Outputs of the plan.
    pub outputs: Vec<(Placed<String>, Placed<Value>)>,
}

/// What is expected of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepExpectation {
    /// The step, item or compensation.
    pub name: Placed<String>,
    /// Its state; PENDING is shown as *not started*.
    pub status: Option<Placed<StepStatus>>,
    /// Its newest attempt.
    pub attempts: Option<Placed<u32>>,
    /// The code with which its newest attempt failed.
    pub code: Option<Placed<Code>>,
    /// Its output.
    pub output: Option<Placed<Value>>,
}

pub(crate) const EXPECT: Family = Family {
    what: "an expectation",
    keys: &["status", "code", "order", "steps", "outputs"],
    level: Level::Inner,
};

pub(crate) const STEP: Family = Family {
    what: "the expectation of a step",
    keys: &["status", "attempts", "code", "output"],
    level: Level::Inner,
};

pub(crate) const ENDS: &[(&str, RunStatus)] = &[
    ("COMPLETED", RunStatus::Completed),
    ("FAILED", RunStatus::Failed),
    ("CANCELLED", RunStatus::Cancelled),
    ("PAUSED", RunStatus::Paused),
    ("RUNNING", RunStatus::Running),
];

pub(crate) const STATES: &[(&str, StepStatus)] = &[
    ("SUCCESS", StepStatus::Success),
    ("FAILED", StepStatus::Failed),
    ("SKIPPED", StepStatus::Skipped),
    ("PENDING", StepStatus::Pending),
    ("RUNNING", StepStatus::Running),
];

pub(super) fn nothing(span: Span) -> Expectation {
    Expectation { span, status: None, code: None, order: Vec::new(), steps: Vec::new(), outputs: Vec::new() }
}

/// Reads it.
pub(super) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Expectation {
    let mut expect = nothing(reader.sink.span(entry.place));
    let Some(keys) = reader.family("expect", entry.place, &entry.value, &EXPECT) else { return expect };
    if keys.is_empty() {
        let report =
            Report::error(codes::MISSING_KEY, entry.place, "the test expects nothing, so it cannot fail");
        reader.sink.add(report.fix("expect: { status: COMPLETED }"));
    }
    for key in keys {
        match key.name() {
            "status" => expect.status = reader.one_of(key, ENDS).map(|status| reader.placed(key, status)),
            "code" => expect.code = code(reader, key),
            "order" => {
                let names = reader.strings(key).into_iter();
                let place = |(value, place)| Placed { value, span: reader.sink.span(place) };
                expect.order = names.map(place).collect();
            }
            "steps" => {
                let entries = reader.mapping("steps", key.place, &key.value).unwrap_or_default();
                expect.steps = entries.iter().filter_map(|entry| step(reader, entry)).collect();
            }
            "outputs" => {
                let entries = reader.mapping("outputs", key.place, &key.value).unwrap_or_default();
                let outputs = entries.iter().map(|entry| {
                    let name = Placed { value: entry.key.to_string(), span: reader.sink.span(entry.place) };
                    (name, reader.placed(entry, entry.value.to_value()))
                });
                expect.outputs = outputs.collect();
            }
            _ => {}
        }
    }
    expect
}

/// `load: SUCCESS`, or a mapping that says more.
fn step(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<StepExpectation> {
    let name = Placed { value: entry.key.to_string(), span: reader.sink.span(entry.place) };
    let mut step = StepExpectation { name, status: None, attempts: None, code: None, output: None };
    if let Kind::Text(_) = entry.value.kind {
        step.status = Some(reader.one_of(entry, STATES).map(|status| reader.placed(entry, status))?);
        return Some(step);
    }
    for key in reader.family(entry.key, entry.place, &entry.value, &STEP)? {
        match key.name() {
            "status" => step.status = reader.one_of(key, STATES).map(|status| reader.placed(key, status)),
            "attempts" => {
                let count = reader.integer(key, 1, 1_000).and_then(|count| u32::try_from(count).ok());
                step.attempts = count.map(|count| reader.placed(key, count));
            }
            "code" => step.code = code(reader, key),
            "output" => step.output = Some(reader.placed(key, key.value.to_value())),
            _ => {}
        }
    }
    Some(step)
}

fn code(reader: &mut Reader<'_, '_>, key: &Entry<'_>) -> Option<Placed<Code>> {
    let text = key.value.as_text().unwrap_or_default();
    let found = Code::parse(text);
    if found.is_none() {
        let names = Code::ALL.iter().map(|code| code.as_str());
        let report =
            Report::error(codes::WRONG_SHAPE, place(key), format!("{} is no code of ours", shown(text)));
        let report = report.did_you_mean(nearest::nearest(text, names.clone()));
        reader.sink.add(report.choices(nearest::ordered(text, names)));
    }
    found.map(|code| reader.placed(key, code))
}
