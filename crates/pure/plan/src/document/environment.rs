//! `env`: names that a plan may set, and their values.

use super::{Owner, Reader};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::Named;
use crate::read::tree::{Entry, Kind};
use crate::template::TemplateValue;
use dvt_model::interpreter::loads;

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>, owner: Owner) -> Named<TemplateValue> {
    let variables = reader.mapping("env", entry.place, &entry.value).unwrap_or_default();
    let mut found = Vec::with_capacity(variables.len());
    for variable in variables {
        let name = variable.name();
        if let Some((message, why)) = refusal(name) {
            reader.sink.add(Report::error(codes::BAD_ENVIRONMENT_NAME, variable.place, message).why(why));
            continue;
        }
        if matches!(&variable.value.kind, Kind::Text(text) if text.contains('\0')) {
            reader.error(
                codes::WRONG_SHAPE,
                variable.value.place,
                "the environment cannot carry a zero byte",
            );
            continue;
        }
        found.push((name.to_owned(), reader.template_value("env", &variable.value, owner)));
    }
    found.into_iter().collect()
}

/// Why a plan cannot set a variable of this name.
pub(crate) fn refusal(name: &str) -> Option<(String, &'static str)> {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !starts || !rest || name.len() > 128 {
        let why = "a letter or `_`, then letters, digits and `_`, at most 128";
        return Some((format!("{} is no name of a variable", shown(name)), why));
    }
    if name.starts_with("DVT_") {
        return Some((
            format!("{} belongs to DVT", shown(name)),
            "names that begin with `DVT_` tell the program where it is",
        ));
    }
    if loads(name) {
        let why = "it decides which code the program loads, so its value would become code";
        return Some((format!("{} cannot be set by a plan", shown(name)), why));
    }
    None
}
