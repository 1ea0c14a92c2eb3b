//! Lines: where they begin, how blanks before them are counted, and how they are put together again.

use std::ops::Range;

/// A text with one kind of line end and without a byte-order mark.
pub(super) fn unified(text: &str) -> String {
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n")
}

/// The lines of a text, without their ends.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1).filter(|start| *start < text.len());
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line that holds this byte.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Where a line begins and ends.
    pub(super) fn range(&self, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        start..start + rest.find('\n').unwrap_or(rest.len())
    }

    pub(super) fn text(&self, line: usize) -> &'t str {
        self.text.get(self.range(line)).unwrap_or_default()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &'t str)> {
        (0..self.starts.len()).map(|line| (line, self.text(line)))
    }

    /// Bytes before `offset` in its line.
    pub(super) fn column(&self, offset: usize) -> usize {
        offset.saturating_sub(self.range(self.at(offset)).start)
    }
}

/// Spaces at the start of a line.
pub(super) fn indentation(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// A finished line; the content of a scalar is never touched again.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) is_content: bool,
}

/// One empty line where there were more, none at either end, one line end at the last.
pub(super) fn join(rows: impl Iterator<Item = Row>) -> String {
    let mut text = String::new();
    let mut gap = false;
    for row in rows {
        if row.text.is_empty() && !row.is_content {
            gap = !text.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            text.push('\n');
        }
        text.push_str(&row.text);
        text.push('\n');
    }
    text
}
