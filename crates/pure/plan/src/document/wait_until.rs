//! `waitUntil: 2026-12-24T18:00:00Z`: a timer that ends at a moment, literal or given by an expression.

use super::keys::or;
use super::{Owner, Reader, Role};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::Form;
use crate::read::tree::{Entry, Kind};
use crate::template::TemplateValue;
use dvt_model::time::Timestamp;
use serde_json::Value;

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, owner: Owner) -> Option<Form> {
    let place = or(entry.value.place, entry.place);
    let Kind::Text(text) = &entry.value.kind else {
        reader.wrong(place, "waitUntil", "a timestamp, or an expression that gives one", &entry.value);
        return None;
    };
    let at = reader.value_for(Role::Moment, "waitUntil", &entry.value, owner);
    if matches!(at, TemplateValue::Literal(Value::String(_))) && Timestamp::parse_rfc3339(text).is_none() {
        let message = format!("{} is no timestamp", shown(text));
        let report = Report::error(codes::BAD_TIMESTAMP, place, message)
            .why("a moment has a date, a time with seconds, and `Z` or an offset (RFC 3339)");
        reader.sink.add(report.fix("waitUntil: '2026-12-24T18:00:00Z'   or for a duration   wait: 10m"));
        return None;
    }
    Some(Form::WaitUntil { at })
}
