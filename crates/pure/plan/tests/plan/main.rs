//! Tests of the plan language: what is accepted, what is refused and how it is told, and what hostile text costs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accepted;
mod bombs;
mod inputs;
mod linear;
mod pages;
mod refused;

use dvt_plan::Outcome;
use dvt_plan::diagnostic::Source;
use std::path::{Path, PathBuf};

fn lint(name: &str, text: &str) -> Outcome {
    dvt_plan::check(&Source { name: name.to_owned(), text: text.to_owned() })
}

/// The files of a folder of tests, in the order of their names.
fn catalogue(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)));
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}
