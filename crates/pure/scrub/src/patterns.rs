//! The pattern rules at work: one pass over the text finds which rules could match at all, then only these look.
//!
//! The regular expressions are linear in the text and work on bytes, so that no encoding makes a line unreadable. Each is
//! compiled when a text first holds one of its keywords: all of them together take longer than most commands of DVT.

use crate::rules::{RULES, Rule};
use crate::{Finding, accept};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use regex::bytes::{Regex, RegexBuilder};
use std::sync::{LazyLock, OnceLock};

/// A rule and its expression, once a text was met that it could match.
struct Lazy {
    rule: &'static Rule,
    regex: OnceLock<Option<Regex>>,
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
    /// The rules of each keyword.
    owners: Vec<Vec<usize>>,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(gather);

fn gather() -> Option<Patterns> {
    let mut rules = Vec::with_capacity(RULES.len());
    let mut words: Vec<&str> = Vec::new();
    let mut owners: Vec<Vec<usize>> = Vec::new();
    for (index, rule) in RULES.iter().enumerate() {
        rules.push(Lazy { rule, regex: OnceLock::new() });
        for keyword in rule.keywords {
            match words.iter().position(|word| word == keyword) {
                Some(at) => owners.get_mut(at)?.push(index),
                None => {
                    words.push(keyword);
                    owners.push(vec![index]);
                }
            }
        }
    }
    let keywords = AhoCorasickBuilder::new().ascii_case_insensitive(true).build(&words).ok()?;
    Some(Patterns { rules, keywords, owners })
}

/// Everything that the rules find, overlapping or not.
///
/// A rule that does not compile would be a hole; the test of the rules keeps that from ever being shipped, and everything
/// is masked if it were.
pub(crate) fn find(text: &[u8]) -> Vec<Finding> {
    let unusable = || vec![Finding { rule: "rules-unusable", range: 0..text.len() }];
    let Some(patterns) = PATTERNS.as_ref() else { return unusable() };
    let mut wanted = vec![false; patterns.rules.len()];
    for hit in patterns.keywords.find_overlapping_iter(text) {
        for owner in patterns.owners.get(hit.pattern().as_usize()).into_iter().flatten() {
            if let Some(slot) = wanted.get_mut(*owner) {
                *slot = true;
            }
        }
    }
    let mut found = Vec::new();
    for (lazy, _) in patterns.rules.iter().zip(&wanted).filter(|(_, wanted)| **wanted) {
        let Some(regex) = lazy.regex() else { return unusable() };
        for captures in regex.captures_iter(text) {
            // Where a rule has a group, the group is the secret and the rest only shows that it is one.
            let Some(secret) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            if accept::accepts(lazy.rule.accept, secret.as_bytes()) {
                found.push(Finding { rule: lazy.rule.id, range: secret.range() });
            }
        }
    }
    found
}
