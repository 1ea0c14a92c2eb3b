//! `stubs`: how steps end, one answer an attempt; the last answer holds for all attempts after it.

use super::{Placed, place};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::diagnostic::nearest;
use crate::document::keys::{Family, Level};
use crate::document::{Reader, duration};
use crate::read::tree::{Entry, Kind, Node};
use dvt_model::code::Code;
use serde_json::Value;
use std::collections::BTreeMap;

/// How a step ends, attempt by attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Stub {
    /// The step's name in the test file.
    pub name: Placed<String>,
    /// Never empty.
    pub answers: Vec<Answer>,
}

/// How one attempt ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How.
    pub end: End,
    /// After how long on the test's clock; none is at once.
    pub lasts_ms: u64,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It succeeds with this output.
    Output(Value),
    /// It fails.
    Fail {
        /// With this code.
        code: Code,
        /// And this exit status, where a program ended by itself.
        exit_status: Option<i32>,
    },
    /// An approval: this many different principals vote for it.
    Approve(u32),
    /// An approval: somebody refuses.
    Reject,
    /// Nobody answers; only the engine's own limits end the attempt.
    Silence,
}

pub(crate) const STUB: Family = Family {
    what: "a stub",
    keys: &["output", "fail", "exit", "approve", "reject", "silent", "lasts"],
    level: Level::Inner,
};

/// Codes that a stubbed attempt may fail with.
pub(crate) const FAILURES: &[Code] = &[
    Code::StepError,
    Code::Timeout,
    Code::Oom,
    Code::OutputLimit,
    Code::PolicyDenied,
    Code::SandboxUnavailable,
    Code::SecretInOutput,
    Code::WorkerLost,
];

impl Stub {
    /// The answer to this attempt, from 1.
    pub fn answer(&self, attempt: u32) -> Option<&Answer> {
        let at = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.answers.get(at).or(self.answers.last())
    }
}

/// Reads all of them.
pub(super) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> BTreeMap<String, Stub> {
    let Some(entries) = reader.mapping("stubs", entry.place, &entry.value) else { return BTreeMap::new() };
    let mut stubs = BTreeMap::new();
    for entry in entries {
        let nodes = match &entry.value.kind {
            Kind::List(items) => &**items,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Map(_) => {
                std::slice::from_ref(&entry.value)
            }
        };
        let answers: Vec<Answer> = nodes.iter().filter_map(|node| answer(reader, entry, node)).collect();
        if nodes.is_empty() {
            reader.wrong(place(entry), entry.key, "at least one answer", &entry.value);
        }
        let name = Placed { value: entry.key.to_string(), span: reader.sink.span(entry.place) };
        stubs.insert(entry.key.to_string(), Stub { name, answers });
    }
    stubs
}

fn answer(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, node: &Node<'_>) -> Option<Answer> {
    let keys = reader.family(entry.key, entry.place, node, &STUB)?;
    let mut ends = Vec::new();
    let mut lasts_ms = 0;
    for key in keys {
        match key.name() {
            "lasts" => lasts_ms = reader.duration(key, 0, duration::LONGEST_MS).unwrap_or(0),
            "output" => ends.push(Some(End::Output(key.value.to_value()))),
            "fail" => ends.push(code(reader, key).map(|code| End::Fail { code, exit_status: None })),
            "exit" => {
                let status = reader.integer(key, 1, 255).and_then(|status| i32::try_from(status).ok());
                ends.push(
                    status.map(|status| End::Fail { code: Code::StepError, exit_status: Some(status) }),
                );
            }
            "approve" => {
                let votes = reader.integer(key, 1, 100).and_then(|votes| u32::try_from(votes).ok());
                ends.push(votes.map(End::Approve));
            }
            "reject" => ends.push(said(reader, key).map(|()| End::Reject)),
            "silent" => ends.push(said(reader, key).map(|()| End::Silence)),
            _ => {}
        }
    }
    if ends.len() == 1 {
        return ends.pop().flatten().map(|end| Answer { end, lasts_ms });
    }
    let message =
        format!("the stub of {} says {} ends, and an attempt has one", shown(entry.key), ends.len());
    let report =
        Report::error(codes::WRONG_SHAPE, crate::document::keys::or(node.place, entry.place), message);
    reader.sink.add(report.fix("one of `output: …`, `exit: 75`, `fail: TIMEOUT`, `approve: 1`, `reject: true`, `silent: true`; a list holds one for each attempt"));
    None
}

fn said(reader: &mut Reader<'_, '_>, key: &Entry<'_>) -> Option<()> {
    match key.value.kind {
        Kind::Bool(true) => Some(()),
        Kind::Bool(false) | Kind::Null | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            reader.wrong(place(key), key.key, "`true`", &key.value);
            None
        }
    }
}

fn code(reader: &mut Reader<'_, '_>, key: &Entry<'_>) -> Option<Code> {
    let text = key.value.as_text().unwrap_or_default();
    let found = Code::parse(text).filter(|code| FAILURES.contains(code));
    if found.is_none() {
        let names = FAILURES.iter().map(|code| code.as_str());
        let message = format!("{} is no code that an attempt fails with", shown(text));
        let report = Report::error(codes::WRONG_SHAPE, place(key), message);
        let report = report.did_you_mean(nearest::nearest(text, names.clone()));
        reader.sink.add(report.choices(nearest::ordered(text, names)));
    }
    found
}
