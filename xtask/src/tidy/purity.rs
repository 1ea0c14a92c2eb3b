//! Purity: what stands on `pure/` has no clock, chance, I/O, environment or unordered iteration.
// INVARIANT(INV-06): the crates of the core cannot read what is not in a command.

use super::floors::Package;
use crate::tree::File;
use regex::Regex;

/// Crates that a pure crate may lean on. A new one is a change to this list.
const ALLOWED: &[&str] = &[
    "aho-corasick",
    "aws-lc-rs",
    "base64",
    "granit-parser",
    "jiff",
    "regex",
    "ryu-js",
    "serde",
    "serde_json",
    "thiserror",
    "uuid",
];

/// What no source of a pure crate may name outside its tests.
const BANNED: &[(&str, &str)] = &[
    (r"\bSystemTime\b|\bInstant\b|Timestamp::now|Zoned::now", "reads a clock"),
    (r"\baws_lc_rs::rand\b|\bSystemRandom\b|\bnew_v4\b|\bRandomState\b", "draws chance"),
    (r"\bHashMap\b|\bHashSet\b", "iterates without order"),
    (r"\bstd::(fs|net|process|env|io::std(in|out|err))\b|\bprint(ln)?!|\beprint(ln)?!", "does I/O"),
    (r"\bthread::spawn\b|\bthread_local!", "has threads"),
];

/// Dependencies and sources of the pure floor.
pub(crate) fn check(packages: &[Package], sources: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages.iter().filter(|package| package.is_pure()) {
        for name in &package.dependencies {
            if !name.starts_with("dvt-") && !ALLOWED.contains(&name.as_str()) {
                faults.push(format!("`{}` is pure and may not lean on `{name}`", package.name));
            }
        }
    }
    let banned: Vec<(Regex, &str)> =
        BANNED.iter().filter_map(|(pattern, why)| Some((Regex::new(pattern).ok()?, *why))).collect();
    if banned.len() != BANNED.len() {
        faults.push("a pattern of the purity rule is no regular expression".to_owned());
    }
    for file in
        sources.iter().filter(|file| file.path.starts_with("crates/pure/") && file.path.contains("/src/"))
    {
        for (at, line) in shipped_lines(&file.text) {
            for (pattern, why) in &banned {
                if pattern.is_match(line) {
                    faults.push(format!("`{}:{at}` {why}", file.path));
                }
            }
        }
    }
    faults
}

/// Lines before the tests of a file, without comments.
pub(crate) fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").enumerate();
    lines.map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_or_chance_in_a_pure_crate_is_found() {
        let faults = |text: &str| {
            check(&[], &[File { path: "crates/pure/core/src/a.rs".to_owned(), text: text.to_owned() }])
        };
        assert_eq!(
            faults("//! SystemTime is not read\nuse std::collections::BTreeMap;\n"),
            Vec::<String>::new()
        );
        for wrong in
            ["SystemTime::now()", "use std::collections::HashMap;", "std::env::var(\"X\")", "println!()"]
        {
            assert_eq!(faults(wrong).len(), 1, "{wrong}");
        }
    }
}
