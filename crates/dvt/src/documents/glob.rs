//! The globs of `files`: `*` and `?` within a name, `**` for any number of folders. Nothing else is special.

/// Whether a relative path (names joined by `/`) fits a pattern.
pub(crate) fn fits(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.strip_prefix("./").unwrap_or(pattern).split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    path_fits(&pattern, &path)
}

/// One row per name of the pattern, one column per beginning of the path: no pattern takes more than their product.
fn path_fits(pattern: &[&str], path: &[&str]) -> bool {
    // reached[n]: the pattern so far fits the first n names of the path.
    let mut reached = vec![false; path.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        let mut through = false;
        for (index, slot) in next.iter_mut().enumerate() {
            let here = reached.get(index).copied().unwrap_or(false);
            let before = index.checked_sub(1);
            let name = before.and_then(|before| path.get(before)).copied().unwrap_or("");
            if *part == "**" {
                // Hidden folders (`.git`) are entered only by a pattern that names them.
                through = here || (through && !name.starts_with('.'));
                *slot = through;
            } else {
                let came = before.and_then(|before| reached.get(before)).copied().unwrap_or(false);
                *slot = came && name_fits(part, name);
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// Whether a pattern can only fit paths below `folder`, so that others need not be entered.
pub(crate) fn may_enter(pattern: &str, folder: &str) -> bool {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let mut names = pattern.split('/');
    let hidden = folder.split('/').any(|name| name.starts_with('.'));
    for name in folder.split('/') {
        match names.next() {
            None => return false,
            Some("**") => return !hidden || pattern.contains("/."),
            Some(part) if !name_fits(part, name) => return false,
            Some(_) => {}
        }
    }
    names.next().is_some()
}

/// One name, in linear time but for the last star: on a mismatch only the newest `*` takes one character more.
fn name_fits(pattern: &str, name: &str) -> bool {
    // A name that begins with a dot is hidden: a pattern has to begin with a dot to mean it (so `*` never packs `.env`).
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some('?') => (at, from) = (at + 1, from + 1),
            Some(letter) if name.get(from) == Some(letter) => (at, from) = (at + 1, from + 1),
            Some(_) | None => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    (at, from) = (star_at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_a_name_and_double_stars_do_not() {
        for (pattern, path) in [
            ("*.py", "a.py"),
            ("./*.py", "a.py"),
            ("data/*", "data/x"),
            ("**/*.sql", "a.sql"),
            ("**/*.sql", "x/y/a.sql"),
            ("lib/**", "lib/a/b"),
            ("?.sh", "a.sh"),
            ("a*b*c", "axxbyyc"),
            (".hidden", ".hidden"),
            ("a/**/z", "a/z"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.py", "x/a.py"),
            ("*", ".env"),
            ("**", ".git/config"),
            ("data/*", "data/x/y"),
            ("?", "ab"),
            ("[ab]", "a"),
            ("a", "A"),
        ] {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn folders_that_cannot_hold_a_match_are_not_entered() {
        assert!(!may_enter("**", ".git") && may_enter("**/.cfg/*", ".cfg"));
        assert!(may_enter("data/*.csv", "data") && may_enter("**/*.py", "x/y") && may_enter("a/b/*", "a/b"));
        assert!(
            !may_enter("*.py", "node_modules")
                && !may_enter("data/*", "data/deeper")
                && !may_enter("data/*", "other")
        );
    }

    /// A pattern of many stars against a long name: no backtracking beyond the last star.
    #[test]
    fn many_stars_are_no_bomb() {
        assert!(!fits(&"*a".repeat(60), &"a".repeat(59)));
        assert!(!fits(&"*a*".repeat(200), &"b".repeat(2_000)));
        assert!(!fits(&"**/a/".repeat(300), &"a/".repeat(299)));
    }
}
