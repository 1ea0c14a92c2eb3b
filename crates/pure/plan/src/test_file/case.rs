//! The file and its cases.

use super::{Case, Placed, TestFile, act, expect, place, stub};
use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::document::Reader;
use crate::document::keys::{Family, Level};
use crate::read::tree::{Entry, Node};
use std::collections::BTreeMap;

/// The only version of the format.
pub(crate) const API_VERSION: &str = "dvt/v1";
/// Cases of one file.
pub(crate) const MOST_CASES: usize = 1_000;

pub(crate) const FILE: Family = Family {
    what: "a test file",
    keys: &["apiVersion", "plan", "stubs", "tests", "description"],
    level: Level::Inner,
};

pub(crate) const CASE: Family = Family {
    what: "a test",
    keys: &["inputs", "stubs", "acts", "expect", "description"],
    level: Level::Inner,
};

const EXAMPLE: &str = "tests:\n  a quiet night:\n    expect: { status: COMPLETED }";

/// Reads the file.
pub(super) fn file(reader: &mut Reader<'_, '_>, root: &Node<'_>) -> Option<TestFile> {
    let entries = reader.family("test file", root.place, root, &FILE)?;
    let mut plan = None;
    let mut cases = None;
    let mut shared = BTreeMap::new();
    for entry in &entries {
        match entry.name() {
            "apiVersion" => version(reader, entry),
            "plan" => plan = reader.literal(entry).map(str::to_owned).map(|text| reader.placed(entry, text)),
            "stubs" => shared = stub::read(reader, entry),
            "tests" => cases = Some(tests(reader, entry)),
            "description" => drop(reader.words(entry)),
            _ => {}
        }
    }
    let has = |key: &str| entries.iter().any(|entry| entry.name() == key);
    if !has("plan") {
        let report = Report::error(codes::MISSING_KEY, root.place, "the test file names no plan");
        reader.sink.add(report.fix("plan: plan.yaml"));
    }
    if !has("tests") || cases.as_ref().is_some_and(Vec::is_empty) {
        let report = Report::error(codes::MISSING_KEY, root.place, "the test file has no tests");
        reader.sink.add(report.fix(EXAMPLE));
    }
    let mut cases: Vec<Case> = cases?;
    for case in &mut cases {
        // A test's own stub of a step is the whole of it.
        for (name, stub) in &shared {
            case.stubs.entry(name.clone()).or_insert_with(|| stub.clone());
        }
    }
    Some(TestFile { plan: plan?, cases })
}

fn version(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) {
    let Some(text) = reader.literal(entry).map(str::to_owned) else { return };
    if text != API_VERSION {
        let message = format!("a test file is written in `{API_VERSION}`");
        let report = Report::error(codes::PLAN_SCHEMA_VERSION_UNKNOWN, place(entry), message);
        reader.sink.add(report.fix(format!("apiVersion: {API_VERSION}")));
    }
}

fn tests(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Vec<Case> {
    let Some(entries) = reader.mapping("tests", entry.place, &entry.value) else { return Vec::new() };
    if entries.len() > MOST_CASES {
        let message = format!("the file has {} tests, and {MOST_CASES} is the most", entries.len());
        reader.error(codes::OUT_OF_LIMITS, entry.place, message);
        return Vec::new();
    }
    entries.iter().filter_map(|entry| case(reader, entry)).collect()
}

fn case(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<Case> {
    let span = reader.sink.span(entry.place);
    let mut case = Case {
        name: Placed { value: entry.key.to_string(), span },
        inputs: Placed { value: BTreeMap::new(), span },
        stubs: BTreeMap::new(),
        acts: Vec::new(),
        expect: expect::nothing(span),
    };
    let entries = reader.family(entry.key, entry.place, &entry.value, &CASE)?;
    for key in &entries {
        match key.name() {
            "inputs" => {
                if let Some(members) = reader.mapping("inputs", key.place, &key.value) {
                    let values =
                        members.iter().map(|member| (member.key.to_string(), member.value.to_value()));
                    let values = values.collect();
                    case.inputs = reader.placed(key, values);
                }
            }
            "stubs" => case.stubs = stub::read(reader, key),
            "acts" => case.acts = act::read(reader, key),
            "expect" => case.expect = expect::read(reader, key),
            "description" => drop(reader.words(key)),
            _ => {}
        }
    }
    if !entries.iter().any(|key| key.name() == "expect") {
        let message = "the test expects nothing, so it cannot fail";
        let report = Report::error(codes::MISSING_KEY, entry.place, message);
        reader.sink.add(report.fix("expect: { status: COMPLETED }"));
    }
    Some(case)
}
