//! `permissions`: the ceiling of the plan. The shapes are read and held; what is named is refused for now, because
//! nothing here could enforce it, and a permission that nothing enforces is a promise.

use super::Reader;
use super::keys::{Family, Level};
use crate::Reach;
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::plan::Permissions;
use crate::read::tree::{Entry, Place};

/// Its keys.
pub(crate) const FAMILY: Family =
    Family { what: "`permissions`", keys: &["secrets", "egress", "plugins"], level: Level::Inner };

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Permissions {
    let mut permissions = Permissions::default();
    for key in reader.family("permissions", entry.place, &entry.value, &FAMILY).unwrap_or_default() {
        let named = reader.strings(key);
        let (fits, into): (fn(&str) -> bool, _) = match key.name() {
            "secrets" => (is_secret_ref, &mut permissions.secrets),
            "egress" => (is_host_and_port, &mut permissions.egress),
            _ => (is_plugin_ref, &mut permissions.plugins),
        };
        for (text, place) in &named {
            if fits(text) {
                into.push(text.clone());
            } else {
                shape(reader, key.key, text, *place);
            }
        }
        if !named.is_empty() && reader.reach == Reach::Runs {
            let message = format!("`permissions.{}` is not built yet", key.key);
            let report = Report::error(codes::PERMISSION_NOT_ENFORCED, key.place, message)
                .why("nothing here could grant or enforce it, and the plan would look safer than it is");
            reader.sink.add(report.fix(format!("leave it out, or write   {}: []", key.key)));
        }
    }
    permissions
}

fn shape(reader: &mut Reader<'_, '_>, key: &str, text: &str, place: Place) {
    let example = match key {
        "secrets" => "warehouse/dsn",
        "egress" => "api.acme.test:443",
        _ => "acme/etl@1.2",
    };
    let message = format!("{} is nothing that `{key}` can name", shown(text));
    reader.sink.add(Report::error(codes::WRONG_SHAPE, place, message).fix(format!("{key}: ['{example}']")));
}

/// Contract 1.5: `a/b` or `a/b@7`, up to eight names.
pub(crate) fn is_secret_ref(text: &str) -> bool {
    let (id, version) = text.split_once('@').map_or((text, None), |(id, version)| (id, Some(version)));
    let name = |part: &str| {
        (1..=63).contains(&part.len())
            && part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    let numbered = version.is_none_or(|version| {
        !version.is_empty() && version.len() <= 9 && version.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbered && id.split('/').count() <= 8 && id.split('/').all(name)
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    port.parse::<u16>().is_ok_and(|port| port > 0)
        && !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(letters)
}

/// `name@version`, where the version may be a prefix.
pub(crate) fn is_plugin_ref(text: &str) -> bool {
    let Some((name, version)) = text.split_once('@') else { return false };
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/_-".contains(&byte);
    let digits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    !name.is_empty() && name.bytes().all(letters) && !version.is_empty() && version.bytes().all(digits)
}
