//! Tests of the plan language: what is accepted, what is refused and how it is told, and what hostile text costs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accepted;
mod agree;
mod bombs;
mod bounds;
mod editor;
mod format;
mod graph;
mod hints;
mod inputs;
mod linear;
mod pages;
mod pictures;
mod refused;
mod repair;
mod room;
mod security;
mod sub_plans;
mod wider;

use dvt_model::digest::Digest;
use dvt_plan::diagnostic::Source;
use dvt_plan::plan::PlanReference;
use dvt_plan::sub_plan::{Found, SubPlans, Wanted};
use dvt_plan::{Checked, Outcome, Reach, Surroundings};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Checks a text; one that begins with `# reach: language` may also name what this release does not do.
fn lint(name: &str, text: &str) -> Outcome {
    let source = Source { name: name.to_owned(), text: text.to_owned() };
    dvt_plan::check_with(&source, &surroundings(text, &Children::default()))
}

fn surroundings<'c>(text: &str, sub_plans: &'c Children) -> Surroundings<'c> {
    let reach = if text.starts_with("# reach: language") { Reach::Language } else { Reach::Runs };
    Surroundings { sub_plans, reach }
}

/// All of the language.
fn surroundings_with(sub_plans: &dyn SubPlans) -> Surroundings<'_> {
    Surroundings { sub_plans, reach: Reach::Language }
}

/// The plans of `tests/children`, and those that were stored.
#[derive(Default)]
struct Children {
    stored: BTreeMap<Digest, Value>,
}

impl SubPlans for Children {
    fn find(&self, wanted: &Wanted<'_>) -> Result<Found, String> {
        if let Some(document) = wanted.digest.and_then(|digest| self.stored.get(&digest)) {
            return Ok(Found::Stored(document.clone()));
        }
        let PlanReference::Path(path) = wanted.reference else {
            return Err("nothing is published here".to_owned());
        };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/children").join(path);
        let text = std::fs::read_to_string(file).map_err(|_| "there is no such file".to_owned())?;
        Ok(Found::Written(Source { name: path.clone(), text }))
    }

    fn pack(&self, source: &Source, checked: &Checked) -> Result<Option<Digest>, String> {
        let files = &checked.plan.files;
        Ok((!files.is_empty()).then(|| Digest::of(format!("{}{files:?}", source.name).as_bytes())))
    }
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
