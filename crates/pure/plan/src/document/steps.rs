//! `steps`: a mapping of ids, and the common keys of a step.

use super::keys::{Family, Level, or};
use super::{Owner, Reader, StepDraft, duration, environment, form, output, retry};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::OutputMode;
use crate::read::tree::{Entry, Kind};
use dvt_model::id::StepId;

/// Steps that a plan may have.
pub(crate) const MOST_STEPS: usize = 50_000;

const STEP: Family = Family {
    what: "a step",
    keys: &[
        "run",
        "script",
        "shell",
        "uses",
        "wait",
        "needs",
        "if",
        "with",
        "env",
        "timeout",
        "retry",
        "output",
        "continueOnError",
        "title",
        "description",
        "tags",
    ],
    level: Level::Step,
};

/// Reads all of them.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry) -> Vec<StepDraft> {
    if let Kind::List(_) = entry.value.kind {
        let message = "`steps` takes a mapping of ids, not a list";
        let report = Report::error(codes::WRONG_SHAPE, entry.place, message);
        reader.sink.add(report.fix("steps:\n  load:\n    run: [program, argument]"));
        return Vec::new();
    }
    let Some(entries) = reader.mapping("steps", entry.place, &entry.value) else { return Vec::new() };
    if entries.is_empty() {
        let report = Report::error(codes::MISSING_KEY, entry.place, "the plan has no steps");
        reader.sink.add(report.fix("steps:\n  load:\n    run: [program, argument]"));
    }
    if entries.len() > MOST_STEPS {
        let message = format!("the plan has {} steps, and {MOST_STEPS} is the most", entries.len());
        reader.error(codes::TOO_MANY_STEPS, entry.place, message);
        return Vec::new();
    }
    entries.iter().enumerate().map(|(index, entry)| step(reader, entry, index)).collect()
}

fn step(reader: &mut Reader<'_, '_>, entry: &Entry, index: usize) -> StepDraft {
    let id = entry.key.to_string();
    if StepId::parse(&id).is_err() {
        let message = format!("{} is no id of a step", shown(&id));
        let report = Report::error(codes::BAD_ID, entry.place, message)
            .why("a letter, then up to 63 letters, digits, `_` or `-`");
        reader.sink.add(report.fix(format!("{}:", cleaned(&id))));
    }
    let mut step = StepDraft {
        id,
        place: entry.place,
        title: None,
        form: None,
        needs: Vec::new(),
        condition: None,
        with: None,
        env: Default::default(),
        timeout_ms: None,
        retry: None,
        output: OutputMode::File,
        continue_on_error: false,
        arguments: Vec::new(),
    };
    let owner = Owner::Step(index);
    let Some(entries) = reader.family(&entry.key, entry.place, &entry.value, &STEP) else { return step };
    let is_plugin = entries.iter().any(|entry| entry.name() == "uses");
    for key in &entries {
        match key.name() {
            "needs" => step.needs = needs(reader, key),
            "if" => step.condition = reader.condition(key, owner),
            "with" if !is_plugin => step.with = Some(reader.template_value("with", &key.value, owner)),
            "env" => step.env = environment::read(reader, key, owner),
            "timeout" => step.timeout_ms = reader.duration(key, 1, duration::LONGEST_MS),
            "retry" => step.retry = retry::read(reader, key),
            "output" => step.output = output::read(reader, key),
            "continueOnError" => step.continue_on_error = reader.boolean(key).unwrap_or(false),
            "title" => match key.value.as_text() {
                Some(text) => step.title = reader.template(&key.value, text, owner),
                None => reader.wrong(or(key.value.place, key.place), "title", "a string", &key.value),
            },
            "description" => drop(reader.words(key)),
            "tags" => drop(super::plan::tags(reader, key)),
            _ => {}
        }
    }
    // A step whose keys were partly answered as foreign or not built yet is not told that it does nothing.
    let is_whole = entry.value.as_map().is_some_and(|all| all.len() == entries.len());
    if is_whole || entries.iter().any(|key| form::FORMS.contains(&key.name())) {
        form::read(reader, &entries, owner, &mut step);
    }
    step
}

fn needs(reader: &mut Reader<'_, '_>, entry: &Entry) -> Vec<(StepId, crate::read::tree::Place)> {
    let mut found: Vec<(StepId, crate::read::tree::Place)> = Vec::new();
    for (text, place) in reader.strings(entry) {
        match StepId::parse(&text) {
            Ok(id) => found.push((id, place)),
            Err(_) => {
                let message = format!("{} is no id of a step", shown(&text));
                let report = Report::error(codes::BAD_ID, place, message);
                reader.sink.add(report.why("a letter, then up to 63 letters, digits, `_` or `-`"));
            }
        }
    }
    found
}

/// An id made of what can be kept.
pub(crate) fn cleaned(id: &str) -> String {
    let keep = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    let cleaned: String = id.chars().map(keep).take(63).collect();
    let cleaned = cleaned.trim_matches('-');
    if cleaned.starts_with(|first: char| first.is_ascii_alphabetic()) {
        cleaned.to_owned()
    } else {
        format!("s{cleaned}")
    }
}
