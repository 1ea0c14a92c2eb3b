//! Words for foreign names: an input of a plan has letters, digits and `_` in its name.
//!
//! INVARIANT: a name has its word wherever it stands, and no two names have the same one. The first of those that are alike
//! has the plain word, any other its own with a digest of itself behind it; whoever gives such a word tells it.

use dvt_model::digest::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// The longest word.
const LONGEST: usize = 60;
/// What is kept of one that has a digest behind it.
const KEPT: usize = 47;

/// Why a name is another one here than it could be.
pub(crate) const DIGESTED: &str =
    "another name is alike in letters, digits and `_`, so the input of this one has a digest behind its name";

/// The words of names, given one by one.
#[derive(Debug, Default)]
pub(crate) struct Words {
    given: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

/// The word of a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) word: String,
    /// Whether it was given just now and has a digest behind it.
    pub(crate) is_digested: bool,
}

impl Words {
    /// The word of a name that is called `full` among all names and would like to be `plain`.
    pub(crate) fn give(&mut self, full: &str, plain: &str) -> Given {
        if let Some(word) = self.given.get(full) {
            return Given { word: word.clone(), is_digested: false };
        }
        let plain = word(plain);
        let mut own = plain.clone();
        let mut again = 0_u64;
        while !self.taken.insert(own.clone()) {
            let named = if again == 0 { full.to_owned() } else { format!("{full}#{again}") };
            let digest: String = Digest::of(named.as_bytes()).hex().chars().take(12).collect();
            own = format!("{}_{digest}", plain.chars().take(KEPT).collect::<String>());
            again += 1;
        }
        self.given.insert(full.to_owned(), own.clone());
        Given { is_digested: own != plain, word: own }
    }

    /// The word of a name that has one.
    pub(crate) fn of(&self, full: &str) -> Option<&str> {
        self.given.get(full).map(String::as_str)
    }
}

/// A name as a word: letters, digits and `_`. Others may be alike.
pub(crate) fn word(name: &str) -> String {
    let keep = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let word: String = name.chars().map(keep).take(LONGEST).collect();
    if word.starts_with(|first: char| first.is_ascii_alphabetic()) { word } else { format!("v{word}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_word_and_shares_it_with_none() {
        let mut words = Words::default();
        let long = "x".repeat(80);
        let longer = format!("{long}y");
        let mut names = vec!["dry_run", "dry-run", "dry run", "1", "v1", "", &long, &longer];
        // A name that looks like the word that another one has does not take it.
        let looks_like = words.give("dry_run", "dry_run").word;
        assert_eq!(looks_like, "dry_run");
        let second = words.give("dry-run", "dry-run");
        assert!(second.is_digested && second.word.starts_with("dry_run_"), "{second:?}");
        names.push(&second.word);
        let given: BTreeSet<String> = names.iter().map(|name| words.give(name, name).word).collect();
        assert_eq!(given.len(), names.len(), "{given:?}");
        for word in &given {
            assert!(
                word.len() <= 61 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            );
            assert!(word.starts_with(|first: char| first.is_ascii_alphabetic()), "{word}");
        }
        // Asked again, each has what it had, and there is nothing to tell.
        let again: Vec<Given> = names.iter().map(|name| words.give(name, name)).collect();
        assert!(again.iter().all(|given| !given.is_digested));
        assert_eq!(again.into_iter().map(|given| given.word).collect::<BTreeSet<_>>(), given);
        assert_eq!((words.of("dry_run"), words.of("other")), (Some("dry_run"), None));
    }
}
