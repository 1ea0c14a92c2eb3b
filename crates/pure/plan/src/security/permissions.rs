//! DVT-S001: what `permissions` names and no step uses, and hosts named by a pattern.
//!
//! A host counts as used where some literal of the steps, inputs or variables names it. A plan that gets its hosts from
//! elsewhere is told once too often; it is a warning.

use super::codes::UNUSED_PERMISSION;
use super::{steps, texts};
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::read::tree::{Kind, Node};
use std::collections::BTreeSet;

pub(super) fn check(root: &Node<'_>, sink: &mut Collector<'_>) {
    for (kind, item, text) in unused(root) {
        let what = match kind {
            "egress" => "the plan names this host nowhere",
            "plugins" => "no step uses this plugin",
            _ => "no step is given this secret",
        };
        let message = format!("`permissions.{kind}` names {}, and {what}", shown(text));
        let report = Report::warning(UNUSED_PERMISSION, item.place, message);
        sink.add(report.why("what is not asked for cannot be misused").fix("leave it out: dvt lint --fix"));
    }
    for (kind, item, text) in named(root) {
        if kind == "egress" && text.contains('*') {
            let message = format!("`permissions.egress` names {}, a pattern of hosts", shown(text));
            let report = Report::warning(UNUSED_PERMISSION, item.place, message);
            sink.add(
                report
                    .why("whoever can name a host that fits it is let out")
                    .fix("egress: ['api.acme.test:443']"),
            );
        }
    }
}

/// What is named: the kind, its node and text.
fn named<'n>(root: &'n Node<'n>) -> impl Iterator<Item = (&'n str, &'n Node<'n>, &'n str)> {
    let entries = root.entry("permissions").and_then(|entry| entry.value.as_map()).unwrap_or_default();
    entries.iter().flat_map(|entry| {
        let items = match &entry.value.kind {
            Kind::List(items) => &**items,
            _ => std::slice::from_ref(&entry.value),
        };
        items.iter().filter_map(move |item| Some((entry.name(), item, item.as_text()?)))
    })
}

/// What is named and not used.
pub(crate) fn unused<'n>(root: &'n Node<'n>) -> Vec<(&'n str, &'n Node<'n>, &'n str)> {
    let mut secrets: BTreeSet<&str> = BTreeSet::new();
    let mut plugins: BTreeSet<&str> = BTreeSet::new();
    for step in steps(root) {
        for entry in step.value.as_map().unwrap_or_default() {
            match entry.name() {
                "secrets" => texts(&entry.value, "", &mut |_, _, text| {
                    secrets.insert(text);
                }),
                "uses" => plugins.extend(entry.value.as_text()),
                "compensate" => {
                    plugins.extend(entry.value.entry("uses").and_then(|uses| uses.value.as_text()));
                    if let Some(given) = entry.value.entry("secrets") {
                        texts(&given.value, "", &mut |_, _, text| {
                            secrets.insert(text);
                        });
                    }
                }
                _ => {}
            }
        }
    }
    let mut words = String::new();
    for key in ["steps", "finally", "inputs", "vars"] {
        if let Some(entry) = root.entry(key) {
            texts(&entry.value, "", &mut |_, _, text| {
                words.push_str(text);
                words.push('\n');
            });
        }
    }
    let is_used = |kind: &str, text: &str| match kind {
        // A secret without a version allows each of its versions.
        "secrets" => secrets.iter().any(|secret| {
            secret.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
        }),
        // A prefix of a version allows what it begins: `acme/etl@1` allows `acme/etl@1.2`.
        "plugins" => plugins.iter().any(|plugin| {
            plugin.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }),
        "egress" => {
            let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
            words.contains(host.trim_start_matches("*."))
        }
        _ => true,
    };
    named(root).filter(|(kind, _, text)| !is_used(kind, text)).collect()
}
