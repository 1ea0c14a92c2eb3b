//! Things that may stand in few places: `unsafe`, the maker of the `Minter`, the test seam, words that do not belong here.
// INVARIANT(INV-01): the users of the minter are listed here and nowhere else.

use super::purity::shipped_lines;
use crate::tree::File;
use regex::Regex;

/// A word and the path prefixes in which it may stand.
struct Place {
    word: &'static str,
    allowed: &'static [&'static str],
    in_tests_too: bool,
    why: &'static str,
}

const PLACES: &[Place] = &[
    Place {
        word: r"\bunsafe\s*(\{|fn|impl|extern)",
        allowed: &[
            "crates/infra/vfs/src/",
            "crates/infra/wall/src/",
            "fuzz/src/coverage.rs",
            "testkit/src/power_cut/",
        ],
        in_tests_too: false,
        why: "`unsafe` belongs to the wall, the file system beneath the store, the power-cut file system and the fuzzer's coverage",
    },
    Place {
        word: r"\bfor_composition_root\b",
        allowed: &["crates/dvt/src/compose.rs", "crates/pure/model/src/scope.rs"],
        in_tests_too: true,
        why: "the composition root alone makes the minter",
    },
    Place {
        word: r"(TenantScope|OpContext|Authorized(::<[^>]*>)?)::mint\b",
        allowed: &["crates/edge/access/", "crates/infra/store/src/", "crates/pure/model/src/", "testkit/"],
        in_tests_too: true,
        why: "`access` and the store's recovery alone mint scopes, contexts and proofs",
    },
    Place {
        word: r"\bbehind_the_test_seam\b",
        allowed: &["crates/pure/model/src/scope.rs", "testkit/"],
        in_tests_too: true,
        why: "the test seam is for tests",
    },
];

/// Whether a path holds tests only.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.starts_with("xtask/")
}

/// Each word in each source.
pub(crate) fn check(sources: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for place in PLACES {
        let Ok(word) = Regex::new(place.word) else {
            faults.push(format!("`{}` is no regular expression", place.word));
            continue;
        };
        for file in sources {
            let may = place.allowed.iter().any(|prefix| file.path.starts_with(prefix));
            if may || (place.in_tests_too && is_test(&file.path)) || file.path.starts_with("xtask/src/tidy/")
            {
                continue;
            }
            for (at, line) in shipped_lines(&file.text) {
                if word.is_match(line) {
                    faults.push(format!("`{}:{at}`: {}", file.path, place.why));
                }
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_a_wrong_place_is_found() {
        let faults =
            |path: &str, text: &str| check(&[File { path: path.to_owned(), text: text.to_owned() }]).len();
        assert_eq!(faults("crates/infra/wall/src/a.rs", "unsafe { }"), 0);
        assert_eq!(faults("crates/infra/keys/src/a.rs", "unsafe { }"), 1);
        assert_eq!(faults("crates/dvt/src/run.rs", "Minter::for_composition_root()"), 1);
        assert_eq!(faults("crates/runtime/engine/src/a.rs", "TenantScope::mint(&minter, ids)"), 1);
        assert_eq!(faults("crates/runtime/engine/tests/a.rs", "Minter::behind_the_test_seam()"), 0);
        assert_eq!(faults("crates/runtime/engine/src/a.rs", "Minter::behind_the_test_seam()"), 1);
    }
}
