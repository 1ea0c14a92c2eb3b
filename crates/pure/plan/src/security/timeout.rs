//! DVT-S004: a step whose time nobody chose. The default of ten minutes holds, for each attempt.

use super::codes::NO_TIMEOUT;
use super::steps;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::read::tree::Node;

/// The forms that take a `timeout` and do work.
const WORK: &[&str] = &["run", "script", "uses", "plan"];

pub(super) fn check(root: &Node<'_>, sink: &mut Collector<'_>) {
    let defaults = root.entry("defaults");
    if defaults.is_some_and(|entry| entry.value.entry("timeout").is_some()) {
        return;
    }
    for step in steps(root) {
        let form = WORK.iter().find_map(|form| step.value.entry(form));
        // The plugin that runs in process does nothing that could take long.
        let is_noop =
            form.is_some_and(|form| form.value.as_text().is_some_and(|text| text.starts_with("dvt/noop@")));
        if form.is_some() && !is_noop && step.value.entry("timeout").is_none() {
            let message = format!("nobody chose how long {} may take", shown(step.key));
            let report = Report::warning(NO_TIMEOUT, step.place, message)
                .why("ten minutes hold for each attempt, and a stuck step holds its place until then");
            sink.add(report.fix("timeout: 1m   or for all steps   defaults: { timeout: 1m }"));
        }
    }
}
