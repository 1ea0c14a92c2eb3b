//! `secrets` of a step: which it is handed, and how each arrives. References, never values.

use super::keys::{Family, Level, or};
use super::{Reader, environment, permissions};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::{Delivery, Secret};
use crate::read::tree::{Entry, Kind, Node, Place};
use std::collections::BTreeMap;

/// Its keys.
pub(crate) const FAMILY: Family = Family { what: "a secret", keys: &["ref", "as"], level: Level::Inner };

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> BTreeMap<String, (Secret, Place)> {
    let mut found = BTreeMap::new();
    for secret in reader.mapping("secrets", entry.place, &entry.value).unwrap_or_default() {
        let name = secret.name();
        if let Some((message, why)) = environment::refusal(name) {
            reader.sink.add(Report::error(codes::BAD_ENVIRONMENT_NAME, secret.place, message).why(why));
            continue;
        }
        let place = or(secret.value.place, secret.place);
        let mut delivery = Delivery::File;
        let reference = match &secret.value.kind {
            Kind::Map(_) => {
                let mut named = None;
                for key in reader.family(name, secret.place, &secret.value, &FAMILY).unwrap_or_default() {
                    if key.name() == "ref" {
                        named = reference(reader, name, &key.value, or(key.value.place, key.place));
                    } else {
                        let words = [("file", Delivery::File), ("env", Delivery::Environment)];
                        delivery = reader.one_of(key, &words).unwrap_or(Delivery::File);
                    }
                }
                if secret.value.entry("ref").is_none() {
                    let message = format!("the secret {} has no `ref`", shown(name));
                    let report = Report::error(codes::MISSING_KEY, secret.place, message);
                    reader.sink.add(report.fix(format!("{name}: {{ ref: warehouse/dsn, as: env }}")));
                }
                named
            }
            _ => reference(reader, name, &secret.value, place),
        };
        if let Some(reference) = reference {
            found.insert(name.to_owned(), (Secret { reference, delivery }, place));
        }
    }
    found
}

fn reference(reader: &mut Reader<'_, '_>, name: &str, node: &Node<'_>, place: Place) -> Option<String> {
    let Some(text) = node.as_text() else {
        reader.wrong(place, name, "the reference of a secret", node);
        return None;
    };
    if text.contains(crate::template::OPEN) {
        crate::check::literals::refuse(reader.sink, node, "the reference of a secret", None);
        return None;
    }
    if !permissions::is_secret_ref(text) {
        let report = Report::error(codes::WRONG_SHAPE, place, "this is no reference of a secret")
            .label("the value is not repeated here")
            .why("names of small letters, digits, `_` and `-` with `/` between them, and `@7` for a version");
        reader.sink.add(report.fix(format!("{name}: warehouse/dsn")));
        return None;
    }
    Some(text.to_owned())
}
