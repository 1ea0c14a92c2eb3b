//! `steps` and `finally`: mappings of ids, and the keys of a step.

use super::keys::{Family, Level, or};
use super::{Owner, Reader, StepDraft, StepDrafts, classes, duration, environment, foreach, form, output};
use super::{retry, schema, secrets, step_limits, sub_plan};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::{Part, Tier};
use crate::read::tree::{Entry, Kind, Place};
use dvt_model::id::StepId;
use std::sync::Arc;

/// Steps that a plan may have.
pub(crate) const MOST_STEPS: usize = 50_000;

macro_rules! step_keys {
    ($($body:literal),* ; $($own:literal),*) => {
        /// The keys of a step.
        pub(crate) const WRITTEN: Family = Family { what: "a step", keys: &[$($own,)* $($body),*], level: Level::Step };
        const CANONICAL: Family =
            Family { what: "a step", keys: &[$($own,)* $($body,)* sub_plan::PLAN_DIGEST], level: Level::Step };
        /// The keys of a compensation.
        pub(crate) const UNDO: Family = Family { what: "a compensation", keys: &[$($body),*], level: Level::Step };
        const STORED_UNDO: Family =
            Family { what: "a compensation", keys: &[$($body,)* sub_plan::PLAN_DIGEST], level: Level::Step };
    };
}

step_keys!(
    "run", "script", "shell", "uses", "plan", "with", "env", "secrets", "output", "timeout", "retry", "tier",
    "limits", "scratch", "title", "description";
    "wait", "waitUntil", "approval", "signal", "needs", "if", "foreach", "key", "maxParallel", "exclude",
    "outputs", "continueOnError", "compensate", "dataClass", "subject", "declassify", "tags"
);

/// Reads all of them and puts them behind those that are there.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, part: Part, steps: &mut StepDrafts) {
    if let Kind::List(_) = entry.value.kind {
        let message = format!("`{}` takes a mapping of ids, not a list", entry.key);
        let report = Report::error(codes::WRONG_SHAPE, entry.place, message);
        reader.sink.add(report.fix(format!("{}:\n  load:\n    run: [program, argument]", entry.key)));
        return;
    }
    let Some(entries) = reader.mapping(entry.key, entry.place, &entry.value) else { return };
    if entries.is_empty() && part == Part::Ordinary {
        let report = Report::error(codes::MISSING_KEY, entry.place, "the plan has no steps");
        reader.sink.add(report.fix("steps:\n  load:\n    run: [program, argument]"));
    }
    let all = steps.len() + entries.len();
    if all > MOST_STEPS {
        let message = format!("the plan has {all} steps, and {MOST_STEPS} is the most");
        reader.error(codes::TOO_MANY_STEPS, entry.place, message);
        return;
    }
    steps.reserve_exact(entries.len());
    for entry in entries {
        let index = steps.len();
        steps.push(Box::new(step(reader, entry, part, index)));
    }
}

fn step(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, part: Part, index: usize) -> StepDraft {
    let id: Arc<str> = entry.name().into();
    if StepId::parse(&id).is_err() {
        let message = format!("{} is no id of a step", shown(&id));
        let report = Report::error(codes::BAD_ID, entry.place, message)
            .why("a letter, then up to 63 letters, digits, `_` or `-`");
        reader.sink.add(report.fix(format!("{}:", cleaned(&id))));
    }
    let mut step = StepDraft { id, place: entry.place, part, ..StepDraft::default() };
    let owner = Owner::Step(index);
    let family = if reader.is_canonical() { &CANONICAL } else { &WRITTEN };
    let Some(entries) = reader.family(entry.key, entry.place, &entry.value, family) else { return step };
    foreach::read(reader, &entries, index, &mut step);
    for key in &entries {
        match key.name() {
            "needs" => step.needs = needs(reader, key),
            "if" => step.condition = reader.condition(key, owner),
            "outputs" => {
                let schema = schema::of_value(reader, key, "the schema of an output");
                step.output_schema = Some(Box::new(schema));
            }
            "continueOnError" => step.continue_on_error = reader.boolean(key).unwrap_or(false),
            "compensate" if part == Part::Finally => {
                let message = "`compensate` has no meaning in `finally`";
                let report = Report::error(codes::KEY_OF_ANOTHER_FORM, key.place, message);
                reader.sink.add(report.why("`finally` runs after everything that could be undone"));
            }
            "compensate" => step.compensate = compensation(reader, key, index, &step).map(Box::new),
            "dataClass" => {
                step.data_class = classes::of_step(reader, key).map(|class| (class, key.place));
            }
            "subject" => step.subject = classes::subject(reader, key, owner),
            "declassify" => step.declassify = classes::declassify(reader, key),
            "tags" => step.tags = super::plan::tags(reader, key),
            _ => {}
        }
    }
    body(reader, entry, &entries, owner, &mut step);
    step
}

/// What undoes a step: a body without a place in the graph.
fn compensation(
    reader: &mut Reader<'_, '_>,
    entry: &Entry<'_>,
    index: usize,
    base: &StepDraft,
) -> Option<StepDraft> {
    let family = if reader.is_canonical() { &STORED_UNDO } else { &UNDO };
    let entries = reader.family("compensate", entry.place, &entry.value, family)?;
    let mut undo = StepDraft {
        id: base.id.clone(),
        place: entry.place,
        part: Part::Compensation,
        ..StepDraft::default()
    };
    body(reader, entry, &entries, Owner::Compensation(index), &mut undo);
    Some(undo)
}

/// The keys that say what is done, and how; the same in a step and in a compensation.
fn body(
    reader: &mut Reader<'_, '_>,
    entry: &Entry<'_>,
    entries: &[&Entry<'_>],
    owner: Owner,
    step: &mut StepDraft,
) {
    let is_plugin = entries.iter().any(|entry| entry.name() == "uses");
    for key in entries {
        match key.name() {
            "with" if !is_plugin => step.with = Some(reader.template_value("with", &key.value, owner)),
            "env" => step.env = environment::read(reader, key, owner),
            "secrets" => {
                step.secrets = secrets::read(reader, key);
                reader.not_run(key, Level::Step);
            }
            "timeout" => step.timeout_ms = reader.duration(key, 1, duration::LONGEST_MS),
            "retry" => step.retry = retry::read(reader, key),
            "output" => step.output = output::read(reader, key),
            "tier" => {
                let words = [("host", Tier::Host), ("contained", Tier::Contained), ("sealed", Tier::Sealed)];
                step.tier = reader.one_of(key, &words);
                if step.tier.is_some_and(|tier| tier != Tier::Host) {
                    reader.not_run(key, Level::Step);
                }
            }
            "limits" => {
                step.limits = step_limits::read(reader, key);
                reader.not_run(key, Level::Step);
            }
            "scratch" => {
                step.scratch = reader.boolean(key);
                reader.not_run(key, Level::Step);
            }
            "title" => match key.value.as_text() {
                Some(text) => step.title = reader.template(&key.value, text, owner),
                None => reader.wrong(or(key.value.place, key.place), "title", "a string", &key.value),
            },
            "description" => step.description = reader.words(key),
            _ => {}
        }
    }
    twice(reader, step);
    // A step whose keys were partly answered as foreign or not built yet is not told that it does nothing.
    let is_whole = entry.value.as_map().is_some_and(|all| all.len() == entries.len());
    if is_whole || entries.iter().any(|key| form::FORMS.contains(&key.name())) {
        form::read(reader, entries, owner, step);
    }
}

/// A secret `DSN` arrives as `DSN_FILE` or `DSN`, which `env` then cannot set too.
fn twice(reader: &mut Reader<'_, '_>, step: &StepDraft) {
    for (name, (secret, place)) in &step.secrets {
        let arrives = match secret.delivery {
            crate::plan::Delivery::File => format!("{name}_FILE"),
            crate::plan::Delivery::Environment => name.clone(),
        };
        if step.env.get(&arrives).is_some() {
            let message = format!("{} is set by `env` and by `secrets`", shown(&arrives));
            let report = Report::error(codes::BAD_ENVIRONMENT_NAME, *place, message);
            reader.sink.add(report.fix("give one of them another name"));
        }
    }
}

fn needs(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Vec<(StepId, Place)> {
    let texts = reader.texts(entry);
    let mut found: Vec<(StepId, Place)> = Vec::with_capacity(texts.len());
    for (text, place) in texts {
        match StepId::parse(text) {
            Ok(id) => found.push((id, place)),
            Err(_) => reader.sink.add_error(|| {
                let message = format!("{} is no id of a step", shown(text));
                Report::error(codes::BAD_ID, place, message)
                    .why("a letter, then up to 63 letters, digits, `_` or `-`")
            }),
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
