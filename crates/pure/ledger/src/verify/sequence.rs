//! Order and uniqueness of entries without any key: `runSeq` without a gap, no idempotency key twice within a run, no
//! entry id twice (classes 5, 9, 10, 11).
//!
//! This is what still speaks where entries were renumbered above the last checkpoint. Memory: an entry id and an index
//! per entry, a key per event of a run that has not ended.

use super::result::{Finding, Findings};
use dvt_model::id::RunId;
use std::collections::BTreeMap;

/// What sequence needs of an envelope.
pub(super) struct RunEvent {
    pub(super) run: RunId,
    pub(super) seq: u64,
    pub(super) key: [u8; 32],
    pub(super) is_terminal: bool,
}

/// Gaps of one run that are remembered, so that a forged ledger costs no more than its length.
const MAX_GAPS: usize = 64;

#[derive(Default)]
struct Run {
    next_seq: u64,
    last_index: u64,
    /// Missing numbers: first, one behind the last, and the finding's place in the list.
    gaps: Vec<(u64, u64, usize)>,
    keys: Vec<([u8; 32], u64)>,
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct Sequence {
    runs: BTreeMap<RunId, Run>,
    entries: Vec<([u8; 16], u64)>,
    found: Vec<Finding>,
    /// A pruned ledger may begin in the middle of a run.
    is_pruned: bool,
}

impl Sequence {
    pub(super) fn new(is_pruned: bool) -> Self {
        Self { is_pruned, ..Self::default() }
    }

    pub(super) fn entry(&mut self, id: [u8; 16], index: u64) {
        self.entries.push((id, index));
    }

    pub(super) fn event(&mut self, event: &RunEvent, index: u64) {
        let first = if self.is_pruned { event.seq } else { 1 };
        let fresh = || Run { next_seq: first, last_index: index, ..Run::default() };
        let run = self.runs.entry(event.run).or_insert_with(fresh);
        let (id, seq, expected) = (event.run, event.seq, run.next_seq);
        if seq > expected {
            let detail = format!("`{id}`: runSeq {expected} to {} missing before {seq}", seq - 1);
            if run.gaps.len() < MAX_GAPS {
                run.gaps.push((expected, seq, self.found.len()));
            }
            self.found.push(Finding::over(5, run.last_index..index.saturating_add(1), detail));
            run.next_seq = seq.saturating_add(1);
        } else if seq < expected {
            // A number that was missing and comes later was moved, any other is there twice.
            let gap = run.gaps.iter().find(|(from, to, _)| (*from..*to).contains(&seq));
            match gap.and_then(|(_, _, place)| self.found.get_mut(*place)) {
                Some(earlier) => {
                    let from = earlier.range.map_or(index, |span| span.from);
                    *earlier = Finding::over(
                        11,
                        from..index.saturating_add(1),
                        format!("`{id}`: runSeq {seq} out of order"),
                    );
                }
                None => {
                    self.found.push(Finding::at(10, index, format!("`{id}`: runSeq {seq} is there twice")))
                }
            }
        } else {
            run.next_seq = seq.saturating_add(1);
        }
        run.last_index = index;
        run.keys.push((event.key, index));
        if event.is_terminal {
            settle(id, run, &mut self.found);
        }
    }

    /// Tells everything that was found.
    pub(super) fn finish(mut self, findings: &mut Findings) {
        for (id, run) in &mut self.runs {
            settle(*id, run, &mut self.found);
        }
        self.entries.sort_unstable();
        for ((id, first), (next, index)) in self.entries.iter().zip(self.entries.iter().skip(1)) {
            if id == next {
                self.found.push(Finding::at(10, *index, format!("the entry id of {first} again")));
            }
        }
        for finding in self.found {
            findings.add(finding);
        }
    }
}

/// Looks for a key that is there twice, and forgets the keys.
fn settle(id: RunId, run: &mut Run, found: &mut Vec<Finding>) {
    let mut keys = std::mem::take(&mut run.keys);
    keys.sort_unstable();
    for ((key, first), (next, index)) in keys.iter().zip(keys.iter().skip(1)) {
        if key == next {
            found.push(Finding::at(10, *index, format!("`{id}`: the idempotency key of {first} again")));
        }
    }
}
