//! The globs of `files`: `*` and `?` within a name, `**` for any number of folders, `[a-z]` and `[!a-z]` sets.
//!
//! Matching is on the text alone, with `/` between names; it never backtracks over more than one `*` at a time, so a
//! hostile glob costs at most the product of the two lengths.

/// The longest glob.
const MAX_BYTES: usize = 256;

/// Why a text is no glob of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// Longer than 256 bytes.
    #[error("is longer than 256 bytes")]
    TooLong,
    /// From the root or a home folder.
    #[error("is not relative to the plan's folder")]
    Absolute,
    /// `..`
    #[error("leads out of the plan's folder")]
    Outside,
    /// `\`, control characters, `//`, an open `[`.
    #[error("is malformed")]
    Malformed,
}

/// Checks a glob: relative, no `..`, no back slashes.
pub fn check(glob: &str) -> Result<(), Error> {
    if glob.is_empty() {
        return Err(Error::Empty);
    }
    if glob.len() > MAX_BYTES {
        return Err(Error::TooLong);
    }
    if glob.starts_with(['/', '~']) {
        return Err(Error::Absolute);
    }
    if glob.split('/').any(|name| name == "..") {
        return Err(Error::Outside);
    }
    let odd_name = |name: &str| name.is_empty() || name == "." || (name.contains("**") && name != "**");
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    if glob.contains('\\') || glob.chars().any(char::is_control) || glob.split('/').any(odd_name) {
        return Err(Error::Malformed);
    }
    let opened = glob.split('/').any(|name| {
        let mut open = false;
        name.chars().for_each(|letter| open = letter == '[' || (open && letter != ']'));
        open
    });
    if opened { Err(Error::Malformed) } else { Ok(()) }
}

/// Whether a path (relative, `/` between names) is matched.
pub fn matches(glob: &str, path: &str) -> bool {
    let names: Vec<&str> = glob.strip_prefix("./").unwrap_or(glob).split('/').collect();
    let parts: Vec<&str> = path.strip_prefix("./").unwrap_or(path).split('/').collect();
    // reached[i]: the first i parts are matched by the names so far.
    let mut reached = vec![false; parts.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for name in names {
        let mut next = vec![false; reached.len()];
        let mut any_before = false;
        for (index, slot) in next.iter_mut().enumerate() {
            let here = reached.get(index).copied().unwrap_or(false);
            if name == "**" {
                let hidden = index
                    .checked_sub(1)
                    .and_then(|last| parts.get(last))
                    .is_some_and(|part| part.starts_with('.'));
                any_before = here || (any_before && !hidden);
                *slot = any_before;
            } else {
                let before =
                    index.checked_sub(1).and_then(|last| Some((reached.get(last)?, parts.get(last)?)));
                *slot = before.is_some_and(|(reached, part)| *reached && name_matches(name, part));
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// One letter of a glob's name.
enum Letter {
    Any,
    Star,
    One(char),
    Set { inverted: bool, ranges: Vec<(char, char)> },
}

fn letters(name: &str) -> Vec<Letter> {
    let mut found = Vec::new();
    let mut rest = name.chars().peekable();
    while let Some(letter) = rest.next() {
        found.push(match letter {
            '?' => Letter::Any,
            '*' => Letter::Star,
            '[' => {
                let inverted = rest.next_if(|next| matches!(next, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                while let Some(low) = rest.next_if(|next| *next != ']') {
                    let high = rest.next_if_eq(&'-').and_then(|_| rest.next_if(|next| *next != ']'));
                    ranges.push((low, high.unwrap_or(low)));
                }
                rest.next();
                Letter::Set { inverted, ranges }
            }
            other => Letter::One(other),
        });
    }
    found
}

fn name_matches(name: &str, part: &str) -> bool {
    // A leading dot is matched by a dot alone, as in every shell: `*` does not pack `.env`.
    if part.starts_with('.') && !name.starts_with('.') {
        return false;
    }
    let letters = letters(name);
    let part: Vec<char> = part.chars().collect();
    let (mut at, mut index) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&found) = part.get(index) {
        let fits = match letters.get(at) {
            Some(Letter::Star) => {
                star = Some((at, index));
                at += 1;
                continue;
            }
            Some(Letter::Any) => true,
            Some(Letter::One(letter)) => *letter == found,
            Some(Letter::Set { inverted, ranges }) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&found)) != *inverted
            }
            None => false,
        };
        if fits {
            at += 1;
            index += 1;
        } else if let Some((starred, begun)) = star {
            star = Some((starred, begun + 1));
            at = starred + 1;
            index = begun + 1;
        } else {
            return false;
        }
    }
    letters.iter().skip(at).all(|letter| matches!(letter, Letter::Star))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_globs_match() {
        for (glob, path, expected) in [
            ("*.py", "load.py", true),
            ("*.py", "sub/load.py", false),
            ("**/*.py", "load.py", true),
            ("**/*.py", "a/b/load.py", true),
            ("sql/**", "sql/a/b.sql", true),
            ("sql/**", "sqlite", false),
            ("**", "a/b", true),
            ("a?c.[a-c]", "abc.b", true),
            ("a?c.[!a-c]", "abc.b", false),
            ("*", ".env", false),
            ("**", "a/.env", false),
            ("**/.env", "a/.env", true),
            (".env", ".env", true),
            ("./x.sh", "x.sh", true),
            ("x.sh", "./x.sh", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("", "", true),
        ] {
            assert_eq!(matches(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn a_hostile_glob_is_quick() {
        assert!(!matches(&"*a".repeat(128), &"a".repeat(100)));
        assert!(!matches(&format!("{}b", "**/".repeat(80)), &"a/".repeat(1_000)));
    }

    #[test]
    fn what_is_refused() {
        for (glob, expected) in [
            ("*.py", Ok(())),
            ("./a/**/[a-z].txt", Ok(())),
            ("", Err(Error::Empty)),
            ("/etc/passwd", Err(Error::Absolute)),
            ("~/.ssh/*", Err(Error::Absolute)),
            ("../x", Err(Error::Outside)),
            ("a/../../x", Err(Error::Outside)),
            ("a\\b", Err(Error::Malformed)),
            ("a//b", Err(Error::Malformed)),
            ("a**", Err(Error::Malformed)),
            ("[a", Err(Error::Malformed)),
            ("a\0", Err(Error::Malformed)),
            (&"a".repeat(257), Err(Error::TooLong)),
        ] {
            assert_eq!(check(glob), expected, "{glob}");
        }
    }
}
