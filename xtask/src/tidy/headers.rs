//! Every source opens with `//!`, no source is longer than 600 lines, and no module has a name that says nothing.

use crate::tree::File;

/// Where a file stops being one idea.
const MOST_LINES: usize = 600;
/// Names under which anything can hide.
const EMPTY_NAMES: &[&str] = &["common", "utils", "util", "types", "helpers", "helper", "manager", "misc"];

/// Headers, lengths and names.
pub(crate) fn check(sources: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in sources {
        let is_fixture = file.path.contains("/compile_fail/") || file.path.contains("/testdata/");
        if !file.text.starts_with("//!") && !is_fixture {
            faults.push(format!("`{}` does not open with `//!`", file.path));
        }
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            faults.push(format!("`{}` has {lines} lines, more than {MOST_LINES}", file.path));
        }
        if file.path.split('/').any(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs"))) {
            faults.push(format!("the name of `{}` says nothing", file.path));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_found() {
        let faults =
            |path: &str, text: &str| check(&[File { path: path.to_owned(), text: text.to_owned() }]).len();
        assert_eq!(faults("a/good.rs", "//! Owns.\n"), 0);
        assert_eq!(faults("a/good.rs", "fn main() {}\n"), 1);
        assert_eq!(faults("a/utils/good.rs", "//! Owns.\n"), 1);
        assert_eq!(faults("a/good.rs", &format!("//! Owns.\n{}", "\n".repeat(MOST_LINES))), 1);
    }
}
