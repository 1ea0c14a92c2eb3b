//! `cargo xtask invariants`: `docs/security/invariants.toml` against the tree.
//!
//! A row names where an invariant is enforced, which tests show it and which controls show that those tests can fail.
//! A path or test that is not there, an ignored test, or an `INVARIANT(…)` mark without row fails.

use crate::process::{Outcome, known};
use crate::tree::{self, File};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const REGISTRY: &str = "docs/security/invariants.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    invariant: Vec<Invariant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invariant {
    id: String,
    statement: String,
    /// Which half of the rule holds today, and what is still missing.
    holds: String,
    enforced: Vec<String>,
    /// `path::test_name`
    tests: Vec<String>,
    controls: Vec<String>,
}

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &[])?;
    let text = std::fs::read_to_string(tree::root().join(REGISTRY))
        .map_err(|error| format!("{REGISTRY}: {error}"))?;
    let registry: Registry = toml::from_str(&text).map_err(|error| format!("{REGISTRY}: {error}"))?;
    let files = tree::files(&[".rs", ".toml", ".py", ".sql", ".stderr"])?;
    let faults = check(&registry, &files);
    if faults.is_empty() {
        let tests: usize = registry.invariant.iter().map(|row| row.tests.len() + row.controls.len()).sum();
        println!("invariants: {} rows, {tests} tests and controls, all there", registry.invariant.len());
        return Ok(());
    }
    Err(format!("{} faults\n  {}", faults.len(), faults.join("\n  ")))
}

fn check(registry: &Registry, files: &[File]) -> Vec<String> {
    let by_path: BTreeMap<&str, &File> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for row in &registry.invariant {
        let id = &row.id;
        if !known.insert(id.as_str()) {
            faults.push(format!("{id} stands twice"));
        }
        for (name, empty) in [
            ("statement", row.statement.trim().is_empty()),
            ("holds", row.holds.trim().is_empty()),
            ("enforced", row.enforced.is_empty()),
            ("tests", row.tests.is_empty()),
            ("controls", row.controls.is_empty()),
        ] {
            if empty {
                faults.push(format!("{id}: `{name}` is empty"));
            }
        }
        for path in &row.enforced {
            match by_path.get(path.as_str()) {
                None => faults.push(format!("{id}: `{path}` is not there")),
                Some(file) if !file.text.contains(&format!("INVARIANT({id})")) => {
                    faults.push(format!("{id}: `{path}` does not bear the mark INVARIANT({id})"));
                }
                Some(_) => {}
            }
        }
        for test in row.tests.iter().chain(&row.controls) {
            if let Some(fault) = test_fault(test, &by_path) {
                faults.push(format!("{id}: {fault}"));
            }
        }
    }
    let marks = files.iter().filter(|file| file.path.ends_with(".rs") && !file.path.starts_with("xtask/"));
    for file in marks {
        for mark in file.text.split("INVARIANT(").skip(1) {
            let id = mark.split(')').next().unwrap_or_default();
            if !known.contains(id) {
                faults.push(format!("`{}` bears the mark INVARIANT({id}), which has no row", file.path));
            }
        }
    }
    faults
}

fn test_fault(test: &str, files: &BTreeMap<&str, &File>) -> Option<String> {
    let Some((path, name)) = test.split_once("::") else {
        return Some(format!("`{test}` is not `path::test`"));
    };
    let Some(file) = files.get(path) else { return Some(format!("`{path}` is not there")) };
    let Some(at) = file.text.find(&format!("fn {name}(")) else {
        return Some(format!("`{path}` has no test `{name}`"));
    };
    let before = file.text.get(..at).unwrap_or_default();
    let attributes = before.rsplit_once("\n\n").map_or(before, |(_, last)| last);
    attributes.contains("#[ignore").then(|| format!("the test `{test}` is ignored"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(row: &str, source: &str) -> Vec<String> {
        let registry: Registry = toml::from_str(row).unwrap();
        check(&registry, &[File { path: "a.rs".to_owned(), text: source.to_owned() }])
    }

    const ROW: &str = "[[invariant]]\nid='INV-01'\nstatement='s'\nholds='h'\nenforced=['a.rs']\ntests=['a.rs::t']\ncontrols=['a.rs::c']";
    const SOURCE: &str = "// INVARIANT(INV-01): x\n#[test]\nfn t() {}\n\n#[test]\nfn c() {}\n";

    #[test]
    fn a_true_registry_passes() {
        assert_eq!(faults(ROW, SOURCE), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_fault_is_found() {
        let no_mark = SOURCE.replace("INVARIANT(INV-01)", "nothing");
        let ignored = SOURCE.replace("#[test]\nfn t", "#[test]\n#[ignore]\nfn t");
        let unknown = SOURCE.replace("fn c", "// INVARIANT(INV-99)\nfn c");
        for (source, expected) in [
            (no_mark.as_str(), "does not bear the mark"),
            (&ignored, "is ignored"),
            (&unknown, "has no row"),
            ("// INVARIANT(INV-01)\nfn t() {}", "has no test `c`"),
        ] {
            let found = faults(ROW, source);
            assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
        }
        assert!(!faults(&ROW.replace("a.rs'", "b.rs'"), SOURCE).is_empty());
    }
}
