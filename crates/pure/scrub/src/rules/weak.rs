//! Keywords too short to tell much, and what stands about each of them wherever a rule matches with it.
//!
//! `s.` ends every second word of a plan and begins few secrets. A rule looks around such a keyword only where the bytes beside
//! it allow a match. Surprising: a keyword is listed for all the rules that share it, so what is asked here is what the least
//! demanding of them asks.

/// What stands about a keyword.
pub(crate) struct Weak {
    /// As the rules write it; in another case it is none.
    pub(crate) keyword: &'static str,
    /// Whether no letter, digit or `_` stands before it.
    begins_word: bool,
    /// How many bytes of a kind follow it at once.
    run: (usize, fn(u8) -> bool),
}

impl Weak {
    /// Whether a match may hold the keyword that ends at `end`. Where the text is a part of a larger one, what stands before
    /// a match is not known, and `whole` is false.
    pub(crate) fn allows(&self, text: &[u8], end: usize, whole: bool) -> bool {
        let start = end.saturating_sub(self.keyword.len());
        let (count, kind) = self.run;
        let follows = text.get(end..end.saturating_add(count));
        let before = start.checked_sub(1).and_then(|at| text.get(at)).filter(|_| self.begins_word && whole);
        text.get(start..end) == Some(self.keyword.as_bytes())
            && follows.is_some_and(|run| run.iter().all(|byte| kind(*byte)))
            && !before.is_some_and(|byte| is_word(*byte))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_token(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

fn is_letter_or_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// All of them.
pub(crate) const WEAK: &[Weak] = &[
    Weak { keyword: "s.", begins_word: true, run: (24, is_letter_or_digit) },
    Weak { keyword: "ey", begins_word: true, run: (17, is_letter_or_digit) },
    Weak { keyword: "SK", begins_word: false, run: (32, is_hex) },
    Weak { keyword: "-us", begins_word: false, run: (1, is_digit) },
    Weak { keyword: "sl.", begins_word: true, run: (100, is_token) },
    Weak { keyword: "cio", begins_word: true, run: (32, is_letter_or_digit) },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accept::accepts;
    use regex::bytes::RegexBuilder;
    use std::collections::BTreeSet;

    /// A secret of each rule that has a weak keyword.
    fn samples() -> Vec<(&'static str, String)> {
        let token = |length: usize| "aB3dE6gH9kL2nP5q".repeat(20).get(..length).unwrap().to_owned();
        let hex = |length: usize| "3a9f0c2e7b".repeat(20).get(..length).unwrap().to_owned();
        vec![
            ("vault-service-token", format!("s.{}", token(24))),
            ("jwt-published", format!("ey{}.ey{}.{}", token(17), token(17), token(40))),
            ("twilio-key", format!("SK{}", hex(32))),
            ("twilio-api-key", format!("SK{}", hex(32))),
            ("mailchimp-key", format!("{}-us1", hex(32))),
            ("dropbox-token", format!("sl.{}", token(100))),
            ("crates-token", format!("cio{}", token(32))),
        ]
    }

    /// What the expression of a rule finds in the whole text, without any keyword.
    fn plainly(rule: &crate::rules::Rule, text: &[u8]) -> bool {
        let regex = RegexBuilder::new(rule.regex).unicode(false).size_limit(4 << 20).build().unwrap();
        regex.captures_iter(text).any(|captures| {
            let group = captures.iter().skip(1).flatten().find(|group| !group.is_empty());
            accepts(rule.accept, group.or_else(|| captures.get(0)).unwrap().as_bytes())
        })
    }

    #[test]
    fn each_weak_keyword_is_one_and_each_of_its_rules_is_sampled() {
        let samples: BTreeSet<&str> = samples().iter().map(|(rule, _)| *rule).collect();
        for weak in WEAK {
            let is_its = |word: &str| word.eq_ignore_ascii_case(weak.keyword);
            let owners = crate::rules::all().filter(|rule| rule.keywords.iter().any(|word| is_its(word)));
            let owners: Vec<&str> = owners.map(|rule| rule.id).collect();
            assert!(!owners.is_empty(), "{}", weak.keyword);
            owners.iter().for_each(|owner| assert!(samples.contains(owner), "{owner}"));
        }
    }

    /// Whatever stands before and behind, and however a secret is cut or cased: a rule finds what its expression finds.
    #[test]
    fn what_stands_about_a_keyword_costs_no_rule_a_match() {
        let (mut matched, mut missed) = (0, 0);
        for (id, secret) in samples() {
            let rule = crate::rules::all().find(|rule| rule.id == id).unwrap();
            let mut texts: Vec<Vec<u8>> = Vec::new();
            for byte in 0..=255_u8 {
                texts.push([&[byte], secret.as_bytes()].concat());
                texts.push([secret.as_bytes(), &[byte]].concat());
            }
            texts.extend((0..=secret.len()).map(|end| secret.as_bytes().get(..end).unwrap().to_vec()));
            texts.extend((0..=secret.len()).map(|from| secret.as_bytes().get(from..).unwrap().to_vec()));
            texts.push(secret.to_uppercase().into_bytes());
            texts.push(secret.to_lowercase().into_bytes());
            texts.push(secret.as_bytes().repeat(3));
            for text in texts {
                let expected = plainly(rule, &text);
                let found = crate::patterns::find(&text).iter().any(|finding| finding.rule == id);
                assert_eq!(found, expected, "{id}: {}", String::from_utf8_lossy(&text));
                if expected {
                    matched += 1;
                    // A part of a larger text: what stands before it does not hide it.
                    let larger = [b"x".as_slice(), &text, b"x"].concat();
                    let keywords = crate::patterns::keywords(&larger).unwrap();
                    assert!(keywords.within(1..text.len() + 1), "{id}");
                } else {
                    missed += 1;
                }
            }
        }
        assert!(matched > 700 && missed > 700, "both happen: {matched} and {missed}");
    }

    #[test]
    fn ordinary_words_hold_none() {
        for text in ["'--day=${{ inputs.day }}'", "paths.of disk tasks-using precious eyes"] {
            let keywords = crate::patterns::keywords(text.as_bytes()).unwrap();
            assert!(!keywords.within(0..text.len()), "{text}");
        }
    }
}
