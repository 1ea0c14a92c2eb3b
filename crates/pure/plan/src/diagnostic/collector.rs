//! Collects diagnostics while a document is read, and turns byte places into lines and columns at the end.
//!
//! A document with 50,000 faults costs no more than one with a hundred: beyond a ceiling they are only counted, and
//! whoever would do expensive work for a message (nearest spellings over many ids) asks [`Collector::has_room`] first.

use super::codes::{self, Code};
use super::{Diagnostic, Severity, Span};
use crate::read::tree::Place;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// Diagnostics that people are shown at most.
pub(crate) const MOST_SHOWN: usize = 100;
/// Errors that are kept before ordering, and as many warnings: neither takes the room of the other.
const MOST_KEPT: usize = 2_000;
/// Characters of user input that a message repeats at most.
const MOST_QUOTED: usize = 60;

/// One thing to be told, with byte places.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    code: Code,
    severity: Severity,
    place: Place,
    message: String,
    label: Option<String>,
    why: Option<String>,
    fix: Option<String>,
    choices: Vec<String>,
    related: Vec<(Place, String)>,
    /// Whether nothing else is told of the same place.
    is_alone: bool,
}

impl Report {
    /// The plan is refused.
    pub(crate) fn error(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            place,
            message: message.into(),
            label: None,
            why: None,
            fix: None,
            choices: Vec::new(),
            related: Vec::new(),
            is_alone: false,
        }
    }

    /// Worth a look.
    pub(crate) fn warning(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// Short text under the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The reason.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// The way out.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The way out, where there is one.
    pub(crate) fn maybe_fix(mut self, fix: Option<String>) -> Self {
        self.fix = fix;
        self
    }

    /// Legal choices; the first becomes the label where it is what was probably meant.
    pub(crate) fn choices(mut self, choices: Vec<String>) -> Self {
        self.choices = choices;
        self
    }

    /// `did you mean …`, where there is a near spelling.
    pub(crate) fn did_you_mean(mut self, near: Option<&str>) -> Self {
        if let Some(near) = near {
            self.label = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    /// What else is told of the same place only follows from this: there is no value to be right or wrong.
    pub(crate) fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    /// Another place that belongs to it.
    pub(crate) fn related(mut self, place: Place, note: impl Into<String>) -> Self {
        self.related.push((place, note.into()));
        self
    }
}

/// Where reports are put.
#[derive(Debug)]
pub(crate) struct Collector<'t> {
    text: &'t str,
    /// Made when a place is told: most plans have nothing to be told of.
    line_starts: OnceCell<Vec<u32>>,
    reports: Vec<Report>,
    /// Errors, kept or not.
    errors: usize,
    /// Warnings, kept or not.
    warnings: usize,
    /// Of both, those that are not kept.
    uncounted: usize,
    events: usize,
}

impl<'t> Collector<'t> {
    /// For this text; empty where a stored document is read again.
    pub(crate) fn new(text: &'t str) -> Self {
        let (line_starts, reports) = (OnceCell::new(), Vec::new());
        Self { text, line_starts, reports, errors: 0, warnings: 0, uncounted: 0, events: 0 }
    }

    /// The text that is read.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// Adds one.
    pub(crate) fn add(&mut self, report: Report) {
        let kept = match report.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *kept += 1;
        if *kept <= MOST_KEPT {
            self.reports.push(report);
        } else {
            self.uncounted += 1;
        }
    }

    /// Adds an error that may stand a hundred thousand times: beyond what is kept it is counted, and its message never made.
    pub(crate) fn add_error(&mut self, make: impl FnOnce() -> Report) {
        if self.errors < MOST_KEPT {
            self.add(make());
        } else {
            self.errors += 1;
            self.uncounted += 1;
        }
    }

    /// Takes everything back: what is told instead is that the text could not be read to its end.
    pub(crate) fn clear(&mut self) {
        self.reports.clear();
        (self.errors, self.warnings, self.uncounted) = (0, 0, 0);
    }

    /// One more event of the parser was read.
    pub(crate) fn count_event(&mut self) {
        self.events += 1;
    }

    /// Events of the parser that were read.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// Whether the costly message of an error would still be seen: errors are shown before warnings.
    pub(crate) fn has_room(&self) -> bool {
        self.errors < MOST_SHOWN
    }

    /// Whether one more warning would still be seen.
    pub(crate) fn has_room_for_warnings(&self) -> bool {
        self.reports.len() < MOST_SHOWN
    }

    /// Whether an error was told about something inside a place.
    pub(crate) fn has_error_within(&self, place: Place) -> bool {
        let inside = |report: &Report| place.start <= report.place.start && report.place.end <= place.end;
        self.reports.iter().any(|report| report.severity == Severity::Error && inside(report))
    }

    /// Errors so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// How many errors of each code were kept so far.
    pub(crate) fn error_codes(&self) -> BTreeMap<&'static str, usize> {
        let mut codes = BTreeMap::new();
        for report in self.reports.iter().filter(|report| report.severity == Severity::Error) {
            *codes.entry(report.code.code).or_insert(0) += 1;
        }
        codes
    }

    /// Everything so far, shown or not.
    pub(crate) fn noticed(&self) -> usize {
        self.reports.len() + self.uncounted
    }

    /// The human position of a place.
    pub(crate) fn span(&self, place: Place) -> Span {
        let start = floor(self.text, place.start as usize);
        let end = floor(self.text, place.end as usize).max(start);
        let kept = self.text.get(start..end).map_or(0, |part| part.trim_end().len());
        let starts = self.line_starts.get_or_init(|| line_starts(self.text));
        let line = starts.partition_point(|&begin| begin as usize <= start);
        let begin = starts.get(line.saturating_sub(1)).map_or(0, |&begin| begin as usize);
        let column = self.text.get(begin..start).map_or(0, |part| part.chars().count()) + 1;
        Span { start, end: start + kept, line, column }
    }

    /// Everything in the order of the text, cut at a hundred with a note that says so.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.reports.sort_by(|left, right| {
            (left.place.start, left.place.end, left.code.code).cmp(&(
                right.place.start,
                right.place.end,
                right.code.code,
            ))
        });
        let alone: BTreeSet<Place> =
            self.reports.iter().filter(|report| report.is_alone).map(|report| report.place).collect();
        self.reports.retain(|report| report.is_alone || !alone.contains(&report.place));
        let hidden = self.reports.len().saturating_sub(MOST_SHOWN) + self.uncounted;
        // An error is never hidden behind warnings.
        if hidden > 0 && self.errors > 0 {
            self.reports.sort_by_key(|report| std::cmp::Reverse(report.severity));
            self.reports.truncate(MOST_SHOWN);
            self.reports.sort_by_key(|report| (report.place.start, report.place.end));
        }
        self.reports.truncate(MOST_SHOWN);
        if let Some(last) = self.reports.last().filter(|_| hidden > 0) {
            let message = format!("{hidden} more were noticed and are not shown");
            let note = Report::warning(codes::MORE_DIAGNOSTICS, last.place, message);
            self.reports.push(note.fix("mend these first, then lint again"));
        }
        let reports = std::mem::take(&mut self.reports);
        reports.into_iter().map(|report| self.told(report)).collect()
    }

    fn told(&self, report: Report) -> Diagnostic {
        Diagnostic {
            code: report.code.code.to_owned(),
            severity: report.severity,
            message: report.message,
            span: self.span(report.place),
            label: report.label,
            why: report.why,
            fix: report.fix,
            choices: report.choices,
            related: report.related.into_iter().map(|(place, note)| (self.span(place), note)).collect(),
        }
    }
}

/// Where lines begin.
fn line_starts(text: &str) -> Vec<u32> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    // A document is at most 8 MiB; a place beyond four bytes does not exist.
    let after = breaks.map(|(index, _)| u32::try_from(index + 1).unwrap_or(u32::MAX));
    std::iter::once(0).chain(after).collect()
}

/// The nearest character border at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// User input for a message: in backticks, on one line, never long.
pub(crate) fn shown(text: &str) -> String {
    let clean = |letter: char| if letter.is_control() { ' ' } else { letter };
    let short: String = text.chars().take(MOST_QUOTED).map(clean).collect();
    let dots = if text.chars().nth(MOST_QUOTED).is_some() { "…" } else { "" };
    format!("`{short}{dots}`")
}
