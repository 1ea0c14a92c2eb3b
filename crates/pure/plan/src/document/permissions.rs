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

/// Contract 1.5: `a/b` or `a/b@7`, up to eight names. Each right has one spelling.
pub(crate) fn is_secret_ref(text: &str) -> bool {
    let (id, version) = text.split_once('@').map_or((text, None), |(id, version)| (id, Some(version)));
    let name = |part: &str| {
        (1..=63).contains(&part.len())
            && part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    let numbered = version.is_none_or(|version| is_number(version) && version.len() <= 9);
    numbered && id.split('/').count() <= 8 && id.split('/').all(name)
}

/// `api.acme.test:443`: names as hosts have them, joined by dots, and a port as one writes it.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let name = |part: &str| {
        (1..=63).contains(&part.len())
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    is_number(port)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && host.len() <= 253
        && host.split('.').all(name)
}

/// `name@version`, where the version may be a prefix: one to three numbers.
pub(crate) fn is_plugin_ref(text: &str) -> bool {
    let Some((name, version)) = text.split_once('@') else { return false };
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    let numbers = version.split('.').count();
    name.split('/').all(part)
        && numbers <= 3
        && version.split('.').all(|part| is_number(part) && part.len() <= 9)
}

/// Digits without a sign, and without zeroes before them.
fn is_number(text: &str) -> bool {
    text == "0"
        || (!text.starts_with('0') && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two spellings of one right would hide from whoever compares rights.
    #[test]
    fn each_right_has_one_spelling() {
        for right in ["api.acme.test:443", "localhost:1", "10.0.0.1:65535", "API.acme.test:80", "a-b.c:8080"]
        {
            assert!(is_host_and_port(right), "{right}");
        }
        let long = format!("{}:1", "a.".repeat(127) + "a");
        for wrong in [
            "api.acme.test:+443",
            "api.acme.test:00443",
            "a:0",
            "a:65536",
            "a:",
            ":443",
            ".:1",
            "a..b:1",
            "a.:1",
            "-a:1",
            "a-:1",
            "a",
            "a b:1",
            "::1:1",
            &long,
        ] {
            assert!(!is_host_and_port(wrong), "{wrong}");
        }
        for right in ["etl@1", "acme/etl@1.2", "acme/etl@1.2.3", "a_b-c/d@0.10.0"] {
            assert!(is_plugin_ref(right), "{right}");
        }
        for wrong in [
            "//@..",
            "a@1..2",
            "a@",
            "@1",
            "a@01",
            "a@1.",
            "a@1.2.3.4",
            "/a@1",
            "a/@1",
            "a@+1",
            "a@1@2",
            "-a@1",
        ] {
            assert!(!is_plugin_ref(wrong), "{wrong}");
        }
        for right in ["a/b", "a/b@7", "warehouse/dsn@10"] {
            assert!(is_secret_ref(right), "{right}");
        }
        for wrong in ["a/b@007", "a/b@", "a/b@+7", "a//b", "a/b@7@8", "A/b"] {
            assert!(!is_secret_ref(wrong), "{wrong}");
        }
    }
}
