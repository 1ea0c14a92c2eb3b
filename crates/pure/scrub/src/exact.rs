//! The search for exact values: one automaton over all forms of all values, linear in the text.

use crate::Error;
use crate::encodings;
use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use std::collections::BTreeSet;
use std::ops::Range;

/// Shorter values are not searched for.
pub const SHORTEST_VALUE: usize = 4;
/// Longer values are refused.
pub const LONGEST_VALUE: usize = 64 << 10;
/// All forms together.
const MOST_BYTES: usize = 16 << 20;

/// The automaton.
pub(crate) struct Exact {
    automaton: AhoCorasick,
    longest: usize,
    /// Forms that hold a line break: they alone can reach from one line into the next.
    across_lines: Vec<Vec<u8>>,
}

impl Exact {
    /// For these values; none where no value is long enough.
    pub(crate) fn new(values: &[&[u8]]) -> Result<Option<Self>, Error> {
        let mut forms = BTreeSet::new();
        for value in values {
            // A file of a secret often ends with a line break that the program strips.
            let trimmed = value.trim_ascii_end();
            for one in [value, trimmed].into_iter().filter(|one| one.len() >= SHORTEST_VALUE) {
                if one.len() > LONGEST_VALUE {
                    return Err(Error::ValueTooLong(one.len()));
                }
                forms.extend(encodings::of(one));
            }
            // A value of several lines is printed line by line, often with something before each.
            for line in
                value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| line.len() >= 16)
            {
                forms.extend(encodings::of(line));
            }
            if forms.iter().map(Vec::len).sum::<usize>() > MOST_BYTES {
                return Err(Error::TooMany);
            }
        }
        let Some(longest) = forms.iter().map(Vec::len).max() else { return Ok(None) };
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&forms)
            .map_err(|_| Error::TooMany)?;
        let across_lines = forms.into_iter().filter(|form| form.contains(&b'\n')).collect();
        Ok(Some(Self { automaton, longest, across_lines }))
    }

    /// Every occurrence, overlapping ones too: of two values that share letters, both are masked.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for hit in self.automaton.find_overlapping_iter(text) {
            match found.last_mut() {
                // Merged on the way, so that a text of one repeated letter costs no memory.
                Some(last) if hit.start() <= last.end && hit.start() >= last.start => {
                    last.end = last.end.max(hit.end())
                }
                _ => found.push(hit.range()),
            }
        }
        found
    }

    /// The longest form.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Where a form that reaches over a line break could have begun and not yet ended.
    pub(crate) fn open_across_lines(&self, text: &[u8]) -> Option<usize> {
        self.across_lines.iter().filter_map(|form| open(form, text)).min()
    }

    /// Where any form could have begun and not yet ended.
    pub(crate) fn may_be_open(&self, text: &[u8]) -> usize {
        text.len().saturating_sub(self.longest.saturating_sub(1))
    }
}

/// The first place from which the rest of the text is a beginning of `form`, and not all of it.
fn open(form: &[u8], text: &[u8]) -> Option<usize> {
    let from = text.len().saturating_sub(form.len().saturating_sub(1));
    (from..text.len()).find(|start| text.get(*start..).is_some_and(|rest| form.starts_with(rest)))
}
