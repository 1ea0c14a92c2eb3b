//! The pattern rules at work: one pass over the text finds which rules could match at all, then only these look.
//!
//! The regular expressions are linear in the text and work on bytes, so that no encoding makes a line unreadable. Each is
//! compiled when a text first holds one of its keywords: all of them together take longer than most commands of DVT.

use crate::rules::{self, Rule, WEAK, Weak};
use crate::{Finding, accept};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, Match};
use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

/// A rule and its expression, once a text was met that it could match.
struct Lazy {
    rule: &'static Rule,
    regex: OnceLock<Option<Regex>>,
    /// A match holds whole lines.
    is_of_lines: bool,
}

impl Lazy {
    fn regex(&self) -> Option<&Regex> {
        let build = || RegexBuilder::new(self.rule.regex).unicode(false).size_limit(4 << 20).build().ok();
        self.regex.get_or_init(build).as_ref()
    }
}

struct Patterns {
    rules: Vec<Lazy>,
    keywords: AhoCorasick,
    /// What is known of each keyword.
    words: Vec<Word>,
}

/// A keyword.
struct Word {
    /// The rules that it belongs to.
    owners: Vec<usize>,
    /// What else must stand there, where it is too short to tell.
    weak: Option<&'static Weak>,
}

impl Patterns {
    /// The keyword that was met, where a match may hold it there.
    fn word(&self, hit: &Match, text: &[u8], whole: bool) -> Option<&Word> {
        let word = self.words.get(hit.pattern().as_usize())?;
        word.weak.is_none_or(|weak| weak.allows(text, hit.end(), whole)).then_some(word)
    }
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(gather);

fn gather() -> Option<Patterns> {
    let mut table = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut known: Vec<Word> = Vec::new();
    for (index, rule) in rules::all().enumerate() {
        table.push(Lazy { rule, regex: OnceLock::new(), is_of_lines: rule.regex.contains("(?s") });
        for keyword in rule.keywords {
            match words.iter().position(|word| word == keyword) {
                Some(at) => known.get_mut(at)?.owners.push(index),
                None => {
                    words.push(keyword);
                    let weak = WEAK.iter().find(|weak| weak.keyword.eq_ignore_ascii_case(keyword));
                    known.push(Word { owners: vec![index], weak });
                }
            }
        }
    }
    let keywords = AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&words)
        .ok()?;
    Some(Patterns { rules: table, keywords, words: known })
}

/// How far before a keyword a match may begin, and how far behind it may end; both reach on to the border of a line.
const BEFORE: usize = 512;
const BEHIND: usize = 512;
/// The same behind the keyword of a rule whose match holds whole lines.
const BEHIND_LINES: usize = 24 << 10;
/// Lines longer than this are searched this far around a keyword.
const LONGEST_LINE: usize = 32 << 10;

/// Everything that the rules find, overlapping or not.
///
/// Only the surroundings of a keyword are searched, so the cost is one pass and what the keywords ask for. A rule that does
/// not compile would be a hole; the test of the rules keeps that from ever being shipped, and everything is masked if it
/// were.
pub(crate) fn find(text: &[u8]) -> Vec<Finding> {
    let unusable = || vec![Finding { rule: "rules-unusable", range: 0..text.len() }];
    let Some(patterns) = PATTERNS.as_ref() else { return unusable() };
    let mut found = Vec::new();
    for (owner, window) in windows(patterns, text) {
        let Some(lazy) = patterns.rules.get(owner) else { continue };
        let Some(regex) = lazy.regex() else { return unusable() };
        let part = text.get(window.clone()).unwrap_or_default();
        // Whether there is a match costs a fraction of where its groups are, and mostly there is none.
        if !regex.is_match(part) {
            continue;
        }
        for captures in regex.captures_iter(part) {
            // Where a rule has groups, the one that took part is the secret and the rest only shows that it is one.
            let group = captures.iter().skip(1).flatten().find(|group| !group.is_empty());
            let Some(secret) = group.or_else(|| captures.get(0)) else { continue };
            if accept::accepts(lazy.rule.accept, secret.as_bytes()) {
                let range = window.start + secret.start()..window.start + secret.end();
                found.push(Finding { rule: lazy.rule.id, range });
            }
        }
    }
    found
}

/// Where keywords stand in a text, so that whoever reads parts of it knows which of them a rule looks at.
///
/// Surprising: places are told in blocks of a few bytes, so a neighbour of a keyword may be taken for its holder, and never the
/// other way round.
#[derive(Debug)]
pub struct Keywords {
    /// Blocks that hold a part of a keyword, in order.
    blocks: Vec<u32>,
}

/// Bytes of one block.
const BLOCK: usize = 16;

impl Keywords {
    /// Whether a part of a keyword stands in this range of the text.
    pub fn within(&self, range: Range<usize>) -> bool {
        let block = |at: usize| u32::try_from(at / BLOCK).unwrap_or(u32::MAX);
        let (first, last) = (block(range.start), block(range.end));
        let at = self.blocks.partition_point(|found| *found < first);
        self.blocks.get(at).is_some_and(|found| *found <= last)
    }
}

/// Where the keywords of all rules stand; nothing where the rules cannot be used.
pub(crate) fn keywords(text: &[u8]) -> Option<Keywords> {
    let patterns = PATTERNS.as_ref()?;
    let mut blocks: Vec<u32> = Vec::new();
    for hit in patterns.keywords.find_overlapping_iter(text) {
        if patterns.word(&hit, text, false).is_none() {
            continue;
        }
        for block in hit.start() / BLOCK..=hit.end() / BLOCK {
            let block = u32::try_from(block).ok()?;
            if blocks.last() != Some(&block) {
                blocks.push(block);
            }
        }
    }
    blocks.sort_unstable();
    blocks.dedup();
    Some(Keywords { blocks })
}

/// Where each rule must look. Windows of one rule that touch are one, so a text of nothing but keywords
/// costs one window a rule.
fn windows(patterns: &Patterns, text: &[u8]) -> Vec<(usize, Range<usize>)> {
    let mut windows: Vec<(usize, Range<usize>)> = Vec::new();
    let mut last_of: Vec<Option<usize>> = Vec::new();
    let mut breaks: Option<Vec<usize>> = None;
    for hit in patterns.keywords.find_overlapping_iter(text) {
        let Some(word) = patterns.word(&hit, text, true) else { continue };
        let breaks = breaks.get_or_insert_with(|| breaks_of(text));
        let from = start_of_line(breaks, hit.start().saturating_sub(BEFORE));
        let end = end_of_line(breaks, (hit.end() + BEHIND).min(text.len()), text.len());
        last_of.resize(patterns.rules.len(), None);
        for owner in &word.owners {
            let Some(lazy) = patterns.rules.get(*owner) else { continue };
            let end =
                if lazy.is_of_lines { end.max((hit.end() + BEHIND_LINES).min(text.len())) } else { end };
            let Some(slot) = last_of.get_mut(*owner) else { continue };
            match slot.and_then(|at| windows.get_mut(at)).filter(|(_, window)| from <= window.end) {
                Some((_, window)) => window.end = window.end.max(end),
                None => {
                    *slot = Some(windows.len());
                    windows.push((*owner, from..end));
                }
            }
        }
    }
    // Where two rules find the same, the one that stands first in the table gives its name.
    windows.sort_by_key(|(owner, _)| *owner);
    windows
}

fn breaks_of(text: &[u8]) -> Vec<usize> {
    text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect()
}

fn start_of_line(breaks: &[usize], at: usize) -> usize {
    let before = breaks.partition_point(|found| *found < at).checked_sub(1);
    let start = before.and_then(|index| breaks.get(index)).map_or(0, |found| found + 1);
    start.max(at.saturating_sub(LONGEST_LINE))
}

fn end_of_line(breaks: &[usize], at: usize, length: usize) -> usize {
    let end = breaks.get(breaks.partition_point(|found| *found < at)).map_or(length, |found| found + 1);
    end.min(at.saturating_add(LONGEST_LINE))
}
