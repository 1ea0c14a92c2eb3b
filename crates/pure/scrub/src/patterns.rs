//! The pattern rules at work: one pass over the text finds which rules could match at all, then only these look.
//!
//! The regular expressions are linear in the text and work on bytes, so that no encoding makes a line unreadable.

use crate::rules::{RULES, Rule};
use crate::{Finding, accept};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use regex::bytes::{Regex, RegexBuilder};
use std::sync::LazyLock;

/// A rule and its compiled expression.
struct Compiled {
    rule: &'static Rule,
    regex: Regex,
}

struct Patterns {
    rules: Vec<Compiled>,
    keywords: AhoCorasick,
    /// The rules of each keyword.
    owners: Vec<Vec<usize>>,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(compile);

/// A rule that does not compile would be a hole; the test of the rules keeps that from ever being shipped, and
/// [`find`] masks everything if it were.
fn compile() -> Option<Patterns> {
    let mut rules = Vec::with_capacity(RULES.len());
    let mut words: Vec<&str> = Vec::new();
    let mut owners: Vec<Vec<usize>> = Vec::new();
    for (index, rule) in RULES.iter().enumerate() {
        let regex = RegexBuilder::new(rule.regex).unicode(false).size_limit(4 << 20).build().ok()?;
        rules.push(Compiled { rule, regex });
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
pub(crate) fn find(text: &[u8]) -> Vec<Finding> {
    let Some(patterns) = PATTERNS.as_ref() else {
        return vec![Finding { rule: "rules-unusable", range: 0..text.len() }];
    };
    let mut wanted = vec![false; patterns.rules.len()];
    for hit in patterns.keywords.find_overlapping_iter(text) {
        for owner in patterns.owners.get(hit.pattern().as_usize()).into_iter().flatten() {
            if let Some(slot) = wanted.get_mut(*owner) {
                *slot = true;
            }
        }
    }
    let mut found = Vec::new();
    for (compiled, _) in patterns.rules.iter().zip(&wanted).filter(|(_, wanted)| **wanted) {
        for captures in compiled.regex.captures_iter(text) {
            // Where a rule has a group, the group is the secret and the rest only shows that it is one.
            let Some(secret) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            if accept::accepts(compiled.rule.accept, secret.as_bytes()) {
                found.push(Finding { rule: compiled.rule.id, range: secret.range() });
            }
        }
    }
    found
}
