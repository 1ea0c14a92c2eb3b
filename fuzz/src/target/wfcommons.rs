//! Instances of WfCommons.

use super::{Target, imported, lossy};
use dvt_import::wfcommons;

/// The target.
pub(super) const TARGET: Target = Target {
    name: "wfcommons",
    seeds: &["examples/forkjoin"],
    words: WORDS,
    keys: &["crates/pure/import/src/wfcommons.rs"],
    read: |text| imported(wfcommons::import(&lossy(text)), true),
};

const WORDS: &[&str] = &[
    "\"workflow\":{",
    "\"specification\":{",
    "\"tasks\":[",
    "\"execution\":{",
    "\"runtimeInSeconds\":",
    "\"runtime\":",
    "\"parents\":[",
    "\"children\":[",
    "\"id\":\"",
    "\"name\":\"",
    "\"command\":{",
    "\"inputFiles\":[",
    "\"machines\":[",
    "\"schemaVersion\":\"1.5\"",
    "-1",
    "1e300",
    "0.0000001",
    "},{",
    "]",
    "\\u0000",
    "\\n",
    "${{",
    "\"",
];
