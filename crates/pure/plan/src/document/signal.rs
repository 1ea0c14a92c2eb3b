//! `signal: name` or `signal: {name, role, schema}`: waits for a named signal.

use super::keys::{Family, Level, or};
use super::{Reader, approval, schema};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::{Form, Signal};
use crate::read::tree::{Entry, Kind, Node, Place};
use dvt_model::id::StepId;

/// Its keys.
pub(crate) const FAMILY: Family =
    Family { what: "a signal", keys: &["name", "role", "schema"], level: Level::Inner };

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<Form> {
    let place = or(entry.value.place, entry.place);
    let mut signal = Signal { name: String::new(), role: None, schema: None };
    if let Kind::Map(_) = &entry.value.kind {
        let mut has_name = false;
        for key in reader.family("signal", entry.place, &entry.value, &FAMILY)? {
            match key.name() {
                "name" => {
                    has_name = true;
                    signal.name =
                        name(reader, &key.value, or(key.value.place, key.place)).unwrap_or_default();
                }
                "role" => signal.role = approval::role(reader, key),
                _ => signal.schema = Some(schema::of_value(reader, key, "the schema of a signal")),
            }
        }
        if !has_name {
            let report = Report::error(codes::MISSING_KEY, entry.place, "the signal has no `name`");
            reader.sink.add(report.fix("signal: { name: delivered }"));
        }
    } else {
        signal.name = name(reader, &entry.value, place)?;
    }
    Some(Form::Signal(Box::new(signal)))
}

fn name(reader: &mut Reader<'_, '_>, node: &Node<'_>, place: Place) -> Option<String> {
    let Some(text) = node.as_text() else {
        reader.wrong(place, "signal", "the name of a signal", node);
        return None;
    };
    if text.contains(crate::template::OPEN) {
        crate::check::literals::refuse(reader.sink, node, "the name of a signal", None);
        return None;
    }
    if StepId::parse(text).is_err() {
        let message = format!("{} is no name of a signal", shown(text));
        let report = Report::error(codes::BAD_ID, place, message);
        let report = report.why("a letter, then up to 63 letters, digits, `_` or `-`");
        reader.sink.add(report.fix(format!("signal: {}", super::steps::cleaned(text))));
        return None;
    }
    Some(text.to_owned())
}
