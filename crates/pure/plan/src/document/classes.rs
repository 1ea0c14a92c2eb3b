//! Data classes: `data: {class}` of the plan, `dataClass`, `subject` and `declassify` of a step.

use super::keys::{Family, Level, or};
use super::{Owner, Reader, Role};
use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::plan::DataClass;
use crate::read::tree::Entry;
use crate::template::TemplateValue;
use serde_json::Value;

/// The classes with their words, the least protected first.
pub(crate) const WORDS: &[(&str, DataClass)] = &[
    ("standard", DataClass::Standard),
    ("pii", DataClass::Pii),
    ("phi", DataClass::Phi),
    ("financial", DataClass::Financial),
];

/// Its keys.
pub(crate) const DATA: Family = Family { what: "`data`", keys: &["class"], level: Level::Inner };

/// `data: {class: pii}`
pub(crate) fn of_plan(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<DataClass> {
    let keys = reader.family("data", entry.place, &entry.value, &DATA)?;
    let Some(class) = keys.first() else {
        let report = Report::error(codes::MISSING_KEY, entry.place, "`data` does not say its `class`");
        reader.sink.add(report.fix("data: { class: pii }"));
        return None;
    };
    reader.one_of(class, WORDS)
}

/// `dataClass: pii`
pub(crate) fn of_step(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<DataClass> {
    reader.one_of(entry, WORDS)
}

/// `subject: ${{ inputs.customer }}`: one person, named by a text or a number.
pub(crate) fn subject(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, owner: Owner) -> Option<TemplateValue> {
    let subject = reader.value_for(Role::Person, "subject", &entry.value, owner);
    let names_one = match &subject {
        TemplateValue::Expression(_) | TemplateValue::Text(_) => true,
        TemplateValue::Literal(Value::String(name)) => !name.trim().is_empty(),
        TemplateValue::Literal(Value::Number(_)) => true,
        TemplateValue::Literal(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_))
        | TemplateValue::List(_)
        | TemplateValue::Object(_) => false,
    };
    if !names_one {
        let place = or(entry.value.place, entry.place);
        let report = Report::error(codes::WRONG_SHAPE, place, "`subject` names one person, by a text")
            .why("it decides under whose key the payloads lie, so that they end with that person");
        reader.sink.add(report.fix("subject: ${{ inputs.customer }}"));
        return None;
    }
    Some(subject)
}

/// `declassify: <reason>`: a reason is a text that says something.
pub(crate) fn declassify(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<String> {
    let reason = reader.words(entry)?;
    if reason.trim().is_empty() {
        let place = or(entry.value.place, entry.place);
        let report =
            Report::error(codes::WRONG_SHAPE, place, "`declassify` takes the reason, and this one is empty");
        reader.sink.add(report.fix("declassify: counts alone, no names"));
        return None;
    }
    Some(reason)
}

/// The word of a class.
pub(crate) fn word(class: DataClass) -> &'static str {
    WORDS.iter().find(|(_, known)| *known == class).map_or("standard", |(word, _)| word)
}
