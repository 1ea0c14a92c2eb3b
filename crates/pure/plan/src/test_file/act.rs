//! `acts`: what is done to the run while it goes on: signals, at a moment of the test's clock or once a step has ended.

use super::{Placed, place};
use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::document::keys::{Family, Level, or};
use crate::document::{Reader, duration};
use crate::read::tree::{Entry, Kind, Node};
use serde_json::Value;

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// When.
    pub moment: Moment,
    /// What.
    pub deed: Placed<Deed>,
}

/// When something is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// So long after the run was queued.
    At(u64),
    /// Once the newest attempt of this step has ended.
    After(Placed<String>),
    /// Once this step has begun.
    During(Placed<String>),
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// CANCEL
    Cancel,
    /// PAUSE
    Pause,
    /// RESUME
    Resume,
    /// EMERGENCY_STOP
    EmergencyStop,
    /// RETRY_STEP
    RetryStep(String),
    /// SKIP_STEP
    SkipStep(String),
    /// SEND
    Send {
        /// The signal's name.
        name: String,
        /// What it brings.
        payload: Value,
    },
}

pub(crate) const ACT: Family = Family {
    what: "an act",
    keys: &["at", "after", "during", "do", "step", "name", "payload"],
    level: Level::Inner,
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Cancel,
    Pause,
    Resume,
    EmergencyStop,
    RetryStep,
    SkipStep,
    Send,
}

pub(crate) const VERBS: &[(&str, Verb)] = &[
    ("CANCEL", Verb::Cancel),
    ("PAUSE", Verb::Pause),
    ("RESUME", Verb::Resume),
    ("EMERGENCY_STOP", Verb::EmergencyStop),
    ("RETRY_STEP", Verb::RetryStep),
    ("SKIP_STEP", Verb::SkipStep),
    ("SEND", Verb::Send),
];

/// Reads all of them.
pub(super) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Vec<Act> {
    let Kind::List(items) = &entry.value.kind else {
        reader.wrong(place(entry), "acts", "a list", &entry.value);
        return Vec::new();
    };
    items.iter().filter_map(|node| act(reader, entry, node)).collect()
}

fn act(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, node: &Node<'_>) -> Option<Act> {
    let keys = reader.family("acts", entry.place, node, &ACT)?;
    let (mut moments, mut verb, mut step, mut name) = (Vec::new(), None, None, None);
    let mut payload = Value::Null;
    for key in &keys {
        match key.name() {
            "at" => moments.push(reader.duration(key, 0, duration::LONGEST_MS).map(Moment::At)),
            "after" => moments.push(text(reader, key).map(Moment::After)),
            "during" => moments.push(text(reader, key).map(Moment::During)),
            "do" => verb = reader.one_of(key, VERBS).map(|verb| reader.placed(key, verb)),
            "step" => step = text(reader, key),
            "name" => name = text(reader, key),
            "payload" => payload = key.value.to_value(),
            _ => {}
        }
    }
    let spot = or(node.place, entry.place);
    if moments.len() != 1 {
        let report = Report::error(codes::WRONG_SHAPE, spot, "an act has one moment");
        reader.sink.add(report.fix("one of `at: 10s`, `after: STEP`, `during: STEP`"));
        return None;
    }
    let has_verb = keys.iter().any(|key| key.name() == "do");
    if !has_verb {
        let report = Report::error(codes::MISSING_KEY, spot, "the act does nothing");
        reader.sink.add(report.fix("do: CANCEL"));
    }
    let verb = verb?;
    let mut needed = |found: Option<Placed<String>>, key: &str, example: &str| {
        if found.is_none() {
            let report = Report::error(codes::MISSING_KEY, spot, format!("this act needs `{key}`"));
            reader.sink.add(report.fix(format!("{key}: {example}")));
        }
        found.map(|found| found.value)
    };
    let deed = match verb.value {
        Verb::Cancel => Deed::Cancel,
        Verb::Pause => Deed::Pause,
        Verb::Resume => Deed::Resume,
        Verb::EmergencyStop => Deed::EmergencyStop,
        Verb::RetryStep => Deed::RetryStep(needed(step, "step", "load")?),
        Verb::SkipStep => Deed::SkipStep(needed(step, "step", "load")?),
        Verb::Send => Deed::Send { name: needed(name, "name", "go")?, payload },
    };
    Some(Act { moment: moments.pop().flatten()?, deed: Placed { value: deed, span: verb.span } })
}

fn text(reader: &mut Reader<'_, '_>, key: &Entry<'_>) -> Option<Placed<String>> {
    let text = reader.literal(key).map(str::to_owned)?;
    Some(reader.placed(key, text))
}
