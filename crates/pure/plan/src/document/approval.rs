//! `approval: {role, min, not}`: a human decision.

use super::Reader;
use super::keys::{Family, Level, or};
use crate::diagnostic::codes;
use crate::diagnostic::collector::Report;
use crate::plan::{Approval, Form};
use crate::read::tree::{Entry, Kind};
use dvt_model::action::Role;

/// Different principals that one approval may ask for.
const MOST_VOTES: u64 = 100;

/// Its keys.
pub(crate) const FAMILY: Family =
    Family { what: "an approval", keys: &["role", "min", "not"], level: Level::Inner };

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<Form> {
    if let Kind::Text(text) = &entry.value.kind {
        let place = or(entry.value.place, entry.place);
        let report = Report::error(codes::WRONG_SHAPE, place, "`approval` takes a mapping, not a string");
        let role = if role_of(text).is_some() { text } else { "operator" };
        reader.sink.add(report.fix(format!("approval: {{ role: {role} }}")));
        return None;
    }
    let keys = reader.family("approval", entry.place, &entry.value, &FAMILY)?;
    let mut approval = Approval { role: Role::Operator, min: 1, not_initiator: false };
    let mut has_role = false;
    for key in keys {
        match key.name() {
            "role" => {
                has_role = true;
                approval.role = role(reader, key).unwrap_or(Role::Operator);
            }
            "min" => {
                let min = reader.integer(key, 1, MOST_VOTES).unwrap_or(1);
                approval.min = u32::try_from(min).unwrap_or(1);
            }
            _ => approval.not_initiator = reader.one_of(key, &[("initiator", ())]).is_some(),
        }
    }
    if !has_role {
        let report = Report::error(
            codes::MISSING_KEY,
            entry.place,
            "the approval does not say whose it is: `role` is missing",
        );
        reader.sink.add(report.fix("approval: { role: operator }"));
    }
    Some(Form::Approval(approval))
}

fn role_of(text: &str) -> Option<Role> {
    Role::parse(text).filter(|role| *role != Role::System)
}

/// A role that people can hold.
pub(crate) fn role(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<Role> {
    let words: Vec<(&'static str, Role)> =
        Role::ALL.iter().filter(|role| **role != Role::System).map(|role| (role.as_str(), *role)).collect();
    reader.one_of(entry, &words)
}
