//! A stream that is scrubbed while it is written, whatever the borders of its chunks.
//!
//! Lines leave when they are whole. Three things are held back: a value that reaches over a line break and may have
//! begun; the lines of a private key, which are masked until its end; and a line longer than the carry, of which a tail
//! stays, long enough for every exact value, so that no split hides one.

use crate::{EXACT, Finding, MASK, Scrubber, mask};

/// Bytes of an unfinished line that are held back.
pub const MAX_CARRY: usize = 16 << 10;
/// Tail of an overlong line that stays for the pattern rules.
const TAIL: usize = 4 << 10;
/// Bytes of the lines that left which the rules see again.
const SEEN_AGAIN: usize = 512;
/// Lines of a private key that has no end.
const MOST_KEY_LINES: usize = 400;

/// The scrubbed stream.
pub struct Stream<'s> {
    scrubber: &'s Scrubber,
    held: Vec<u8>,
    /// The last lines that left, as they were: a rule may need the line before to know a secret in the next.
    left: Vec<u8>,
    /// Lines since a private key began.
    in_key: Option<usize>,
    /// A secret was cut at the carry's end: what follows belongs to it up to a blank or quote.
    in_word: bool,
    /// Masks that were written and not yet told.
    masks: u64,
}

impl<'s> Stream<'s> {
    pub(crate) fn new(scrubber: &'s Scrubber) -> Self {
        Self { scrubber, held: Vec::new(), left: Vec::new(), in_key: None, in_word: false, masks: 0 }
    }

    /// Takes the next bytes and gives what can be shown by now.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // In portions, so that a huge chunk is not searched again and again.
        for portion in chunk.chunks(MAX_CARRY) {
            self.held.extend_from_slice(portion);
            self.release(&mut out);
        }
        out
    }

    /// The end: everything that is left.
    pub fn finish(mut self) -> Vec<u8> {
        self.rest()
    }

    /// How many masks were written since this was last asked.
    pub fn take_masks(&mut self) -> u64 {
        std::mem::take(&mut self.masks)
    }

    /// Everything that is left, at the end; for who still has something to ask.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let end = self.held.len();
        self.emit(end, &mut out);
        out
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        let whole_lines = self.held.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut cut = whole_lines;
        if let Some(exact) = self.scrubber.exact().filter(|_| cut > 0) {
            cut = exact.open_across_lines(&self.held).map_or(cut, |open| cut.min(open));
            // A value of several lines is whole in what is held, or held back: never cut inside.
            cut = exact
                .find(&self.held)
                .iter()
                .find(|hit| hit.start < cut && cut < hit.end)
                .map_or(cut, |hit| hit.start);
        }
        let longest = self.scrubber.exact().map_or(0, |exact| exact.longest());
        if cut == 0 && self.held.len() > MAX_CARRY.max(2 * longest) + TAIL {
            cut = self.forced_cut();
        }
        self.emit(cut, out);
    }

    /// Inside an overlong line: before anything that is found or may have begun.
    fn forced_cut(&self) -> usize {
        let mut cut = self.held.len() - TAIL;
        if let Some(exact) = self.scrubber.exact() {
            cut = cut.min(exact.may_be_open(&self.held));
        }
        let found = self.scrubber.find_bytes(&self.held);
        match found.iter().find(|finding| finding.range.start < cut && cut < finding.range.end) {
            Some(finding) if finding.range.start > 0 => finding.range.start,
            // One secret fills all that is held.
            Some(finding) => finding.range.end,
            None => cut,
        }
    }

    fn emit(&mut self, cut: usize, out: &mut Vec<u8>) {
        if cut == 0 {
            return;
        }
        // Searched together with what stays, so that nothing that reaches over the cut is missed.
        let exact = self.scrubber.exact().map_or_else(Vec::new, |exact| exact.find(&self.held));
        let before = self.left.len();
        self.left.extend(self.held.drain(..cut));
        let seen = std::mem::take(&mut self.left);
        let mut found = crate::patterns::find(&seen);
        let by_value = exact.into_iter().filter(|hit| hit.start < cut);
        found
            .extend(by_value.map(|hit| Finding { rule: EXACT, range: before + hit.start..before + hit.end }));
        let found = mask::merged(found);
        let mut found = found.as_slice();
        let mut from = before;
        for line in seen.get(before..).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let range = from..from + line.len();
            from = range.end;
            // What reaches over the end of the line is masked in the next one, too.
            let over = found.iter().take_while(|finding| finding.range.end <= range.start).count();
            found = found.get(over..).unwrap_or_default();
            let here = found.iter().take_while(|finding| finding.range.start < range.end);
            let clipped = here.map(|finding| Finding {
                rule: finding.rule,
                range: finding.range.start.max(range.start) - range.start
                    ..finding.range.end.min(range.end) - range.start,
            });
            self.line(line, clipped.collect(), out);
        }
        self.left = seen;
        let keep = self.left.len().saturating_sub(SEEN_AGAIN);
        self.left.drain(..keep);
    }

    fn line(&mut self, line: &[u8], found: Vec<Finding>, out: &mut Vec<u8>) {
        let ends = line.ends_with(b"\n");
        if let Some(lines) = self.in_key {
            let over = contains(line, b"-----END") || lines >= MOST_KEY_LINES;
            self.in_key = (!over).then_some(lines + 1);
            // The mask stands once for the whole key; its lines are not even counted in the output.
            if over && ends {
                out.push(b'\n');
            }
            return;
        }
        let mut start = 0;
        if self.in_word {
            start = line
                .iter()
                .position(|byte| byte.is_ascii_whitespace() || b"\"'`,;<>".contains(byte))
                .unwrap_or(line.len());
            self.in_word = start == line.len();
        }
        let rest = line.get(start..).unwrap_or_default();
        let within = |finding: Finding| Finding {
            rule: finding.rule,
            range: finding.range.start.saturating_sub(start)..finding.range.end.saturating_sub(start),
        };
        // A line break is no part of a secret: the lines of the output stay those of the input.
        let length = rest.len() - usize::from(ends && !rest.is_empty());
        let mut found: Vec<Finding> = found.into_iter().map(within).collect();
        found.iter_mut().for_each(|finding| finding.range.end = finding.range.end.min(length));
        let found = mask::merged(found);
        if let Some(begin) = key_begins(rest) {
            // What reaches into the first line of the key is masked up to it; the rest goes with the key.
            let mut found = found;
            found.retain(|finding| finding.range.start < begin);
            found.iter_mut().for_each(|finding| finding.range.end = finding.range.end.min(begin));
            self.masks += found.len() as u64 + 1;
            out.extend(mask::masked(rest.get(..begin).unwrap_or_default(), &found));
            out.extend_from_slice(MASK.as_bytes());
            self.in_key = Some(1);
            return;
        }
        if !ends && !self.held.is_empty() {
            self.in_word = found.last().is_some_and(|last| last.range.end == rest.len());
        }
        self.masks += found.len() as u64;
        out.extend(mask::masked(rest, &found));
    }
}

/// Where a private key begins that does not end in the same line.
fn key_begins(line: &[u8]) -> Option<usize> {
    let begin = find(line, b"-----BEGIN ")?;
    let rest = line.get(begin..)?;
    (contains(rest, b"PRIVATE KEY") && !contains(rest, b"-----END")).then_some(begin)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    find(text, part).is_some()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
