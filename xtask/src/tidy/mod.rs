//! `cargo xtask tidy`: the shape of the house, checked by a machine. One rule a file.

mod arms;
mod floors;
mod headers;
mod links;
mod places;
mod purity;

use crate::process::{Outcome, known};
use crate::tree;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &[])?;
    let sources = tree::files(&[".rs"])?;
    let documents = tree::files(&[".md"])?;
    let packages = floors::packages()?;
    let mut faults = Vec::new();
    faults.extend(floors::check(&packages));
    faults.extend(purity::check(&packages, &sources));
    faults.extend(arms::check(&sources));
    faults.extend(headers::check(&sources));
    faults.extend(places::check(&sources));
    faults.extend(links::check(&documents));
    if faults.is_empty() {
        let lines: usize = sources.iter().map(|file| file.text.lines().count()).sum();
        println!(
            "tidy: {} packages, {} sources of {lines} lines, {} documents",
            packages.len(),
            sources.len(),
            documents.len()
        );
        return Ok(());
    }
    Err(format!("{} faults\n  {}", faults.len(), faults.join("\n  ")))
}
