//! Relative links of the documents lead somewhere, and paths that they name in backticks exist.

use crate::tree::{self, File};
use regex::Regex;
use std::path::Path;

/// Links `[…](path)` and names like `crates/pure/core`.
pub(crate) fn check(documents: &[File]) -> Vec<String> {
    let (Ok(link), Ok(name)) = (
        Regex::new(r"\]\(([^)#\s]+)(#[^)]*)?\)"),
        Regex::new(r"`((?:crates|docs|examples|testkit|xtask|evidence)/[A-Za-z0-9_./-]*[A-Za-z0-9_/])`"),
    ) else {
        return vec!["a pattern of the link rule is no regular expression".to_owned()];
    };
    let root = tree::root();
    let mut faults = Vec::new();
    for file in documents {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        let links =
            link.captures_iter(&file.text).filter_map(|found| found.get(1)).map(|found| found.as_str());
        for target in links.filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            if !root.join(folder).join(target).exists() {
                faults.push(format!("`{}`: the link `{target}` leads nowhere", file.path));
            }
        }
        for path in
            name.captures_iter(&file.text).filter_map(|found| found.get(1)).map(|found| found.as_str())
        {
            if !root.join(path).exists() {
                faults.push(format!("`{}`: `{path}` does not exist", file.path));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_and_a_dead_path_are_found() {
        let faults =
            |text: &str| check(&[File { path: "docs/a.md".to_owned(), text: text.to_owned() }]).len();
        assert_eq!(faults("[x](../Cargo.toml) `crates/pure/model` [y](https://example.org)"), 0);
        assert_eq!(faults("[x](nothing.md)"), 1);
        assert_eq!(faults("`crates/pure/nothing`"), 1);
    }
}
