//! Merging findings and writing the mask.

use crate::{Finding, MASK};

/// In the order of the text; what overlaps becomes one, under the rule that came first.
pub(crate) fn merged(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|finding| !finding.range.is_empty());
    found.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.range.end)));
    let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
    for finding in found {
        match merged.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                last.range.end = last.range.end.max(finding.range.end);
            }
            _ => merged.push(finding),
        }
    }
    merged
}

/// Widens findings to character borders.
pub(crate) fn whole_characters(text: &str, found: Vec<Finding>) -> Vec<Finding> {
    let widen = |mut finding: Finding| {
        while !text.is_char_boundary(finding.range.start) {
            finding.range.start -= 1;
        }
        while !text.is_char_boundary(finding.range.end) {
            finding.range.end += 1;
        }
        finding
    };
    merged(found.into_iter().map(widen).collect())
}

/// The text with each finding replaced by the mask.
pub(crate) fn masked(text: &[u8], found: &[Finding]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for finding in found {
        out.extend_from_slice(text.get(from..finding.range.start).unwrap_or_default());
        out.extend_from_slice(MASK.as_bytes());
        from = finding.range.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out
}
