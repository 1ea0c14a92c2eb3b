//! No `_ =>` arm in the core: who adds a state, an event, a form or a cause decides in each place what becomes of it.

use super::purity::shipped_lines;
use crate::tree::File;
use regex::Regex;

/// Where the rule holds.
const CORE: &str = "crates/pure/core/src/";
/// An arm that takes whatever is left, alone or as the last of several patterns.
const ARM: &str = r"(^|[|{,])\s*_\s*(if\b[^=]*(==[^=]*)?)?=>";

/// Sources of the core.
pub(crate) fn check(sources: &[File]) -> Vec<String> {
    let Ok(arm) = Regex::new(ARM) else {
        return vec!["the pattern of the rule of arms is no regular expression".to_owned()];
    };
    let core = sources.iter().filter(|file| file.path.starts_with(CORE));
    let lines = core.flat_map(|file| shipped_lines(&file.text).map(move |(at, line)| (file, at, line)));
    let found = lines.filter(|(_, _, line)| arm.is_match(line));
    found
        .map(|(file, at, _)| format!("`{}:{at}` has an arm that takes whatever is left", file.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_that_takes_whatever_is_left_is_found() {
        let faults = |path: &str, text: &str| check(&[File { path: path.to_owned(), text: text.to_owned() }]);
        let core = "crates/pure/core/src/a.rs";
        for wrong in [
            "        _ => None,",
            "match x { A => 1, _ => 2 }",
            "A | _ => 1,",
            "        _ if x > 1 => 2,",
            "        _ if x == 1 => 2,",
        ] {
            assert_eq!(faults(core, wrong).len(), 1, "{wrong}");
            assert_eq!(faults("crates/pure/plan/src/a.rs", wrong), Vec::<String>::new());
        }
        for right in ["    (Some(Pending), _) => None,", "    // _ => is refused", "Some(_) => 1,", "|_| x,"]
        {
            assert_eq!(faults(core, right), Vec::<String>::new(), "{right}");
        }
    }
}
