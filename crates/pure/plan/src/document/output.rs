//! `output`: how a program's output is taken.

use super::Reader;
use crate::plan::OutputMode;
use crate::read::tree::Entry;

/// Reads it. `file` is the default and has no word in the language: a program writes to `$DVT_OUTPUT`.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> OutputMode {
    let words = [("text", OutputMode::Text), ("lines", OutputMode::Lines), ("json", OutputMode::Json)];
    reader.one_of(entry, &words).unwrap_or(OutputMode::File)
}
