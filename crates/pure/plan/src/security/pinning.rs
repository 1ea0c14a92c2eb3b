//! DVT-S006: a plugin or sub-plan by a part of its version: what runs can change without a change of the plan.

use super::codes::UNPINNED_PLUGIN;
use super::{steps, texts};
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::read::tree::{Node, Place};

pub(super) fn check(root: &Node<'_>, sink: &mut Collector<'_>) {
    for step in steps(root) {
        for key in ["uses", "plan"] {
            if let Some(entry) = step.value.entry(key)
                && let Some(text) = entry.value.as_text()
            {
                tell(text, entry.value.place, sink);
            }
        }
        if let Some(entry) = step.value.entry("compensate").and_then(|entry| entry.value.entry("uses"))
            && let Some(text) = entry.value.as_text()
        {
            tell(text, entry.value.place, sink);
        }
    }
    if let Some(entry) = root.entry("permissions").and_then(|entry| entry.value.entry("plugins")) {
        texts(&entry.value, "", &mut |_, node, text| tell(text, node.place, sink));
    }
}

fn tell(text: &str, place: Place, sink: &mut Collector<'_>) {
    // Our own run in process, and files are pinned by the digest of the plan.
    if text.starts_with("dvt/") || text.starts_with("./") || is_full(text) {
        return;
    }
    let message = format!("{} is not pinned to one version", shown(text));
    let report = Report::warning(UNPINNED_PLUGIN, place, message)
        .why("a later version runs under the same plan without being looked at");
    sink.add(report.fix("uses: acme/etl@1.2.0"));
}

fn is_full(text: &str) -> bool {
    let Some((_, version)) = text.rsplit_once('@') else { return false };
    if version.starts_with("sha256:") {
        return true;
    }
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3 && core.split('.').all(is_number)
}
