//! `files`: globs of what is packed with the plan. Relative, inside the plan's folder, a bounded number.

use super::Reader;
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::glob;
use crate::read::tree::Entry;

const MOST_GLOBS: usize = 256;

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Vec<String> {
    let globs = reader.strings(entry);
    if globs.len() > MOST_GLOBS {
        let message = format!("`files` has {} globs, and {MOST_GLOBS} is the most", globs.len());
        reader.error(codes::OUT_OF_LIMITS, entry.place, message);
    }
    let mut found = Vec::new();
    for (text, place) in globs.into_iter().take(MOST_GLOBS) {
        match glob::check(&text) {
            Ok(()) => found.push(text),
            Err(error) => {
                let message = format!("the glob {} {error}", shown(&text));
                let report = Report::error(codes::BAD_FILES_GLOB, place, message);
                let report =
                    report.why("a plan packs files of its own folder, and a run sees nothing else of it");
                reader.sink.add(report.fix("files: ['*.py', 'sql/**']"));
            }
        }
    }
    found
}
