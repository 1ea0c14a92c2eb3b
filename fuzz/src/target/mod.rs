//! What is fuzzed: every reader of foreign text, one file each, with what must hold for each text besides that it ends.
//!
//! A target gives back what came out of a text that it accepted; the planted fault of the control hides behind that.

mod argo;
mod dbt;
mod expression;
mod github;
mod reader;
mod scrub;
mod wfcommons;

use dvt_import::Imported;
use dvt_plan::diagnostic::{Severity, Source};

/// A reader of foreign text.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Files and folders of the repository whose files are seeds; a file that ends in `.jsonl` has one a line.
    pub(crate) seeds: &'static [&'static str],
    /// Words of its language.
    pub(crate) words: &'static [&'static str],
    /// The importer's own sources: the keys that it knows are words of its language too.
    pub(crate) keys: &'static [&'static str],
    /// Reads a text; what came out. A promise that is not kept panics.
    pub(crate) read: fn(&[u8]) -> Vec<String>,
}

/// All of them.
pub(crate) const ALL: &[Target] = &[
    reader::TARGET,
    expression::TARGET,
    dbt::TARGET,
    wfcommons::TARGET,
    argo::TARGET,
    github::TARGET,
    scrub::TARGET,
];

fn lossy(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}

fn source(text: String) -> Source {
    Source { name: "plan.yaml".to_owned(), text }
}

/// Codes that would mean that a foreign text broke out of the place that it was written to, or that an importer wrote something
/// of its own that is none: a value of another type, an expression, a duration, the schema of an input.
const BROKEN_OUT: [&str; 15] = [
    "DVT-P001", "DVT-P002", "DVT-P004", "DVT-P005", "DVT-P006", "DVT-P007", "DVT-P008", "DVT-P009",
    "DVT-P010", "DVT-P013", "DVT-P014", "DVT-P015", "DVT-P018", "DVT-P021", "DVT-P027",
];

/// What the foreign file itself holds: the importer keeps it where it stands, and the check of the plan tells of it.
const OF_THE_FILE: &str = "SECRET_IN_PLAN";

/// What is imported is a document of a plan; where no expression of the foreign file is kept, none stands in it. Where some are, the
/// plan is refused for none of them, nor for anything else that the importer wrote.
fn imported(imported: Result<Imported, dvt_import::Error>, has_no_expression: bool) -> Vec<String> {
    let Ok(imported) = imported else { return Vec::new() };
    let outcome = dvt_plan::check(&source(imported.text("the source")));
    for diagnostic in &outcome.diagnostics {
        let is_refused = diagnostic.severity == Severity::Error && diagnostic.code != OF_THE_FILE;
        let is_broken = BROKEN_OUT.contains(&diagnostic.code.as_str()) || (!has_no_expression && is_refused);
        assert!(!is_broken, "{diagnostic:?} in\n{}", imported.text("the source"));
    }
    if let Some(checked) = &outcome.checked {
        // Those of `finally` are among the steps.
        assert_eq!(
            checked.plan.steps.len() as u64,
            imported.report.steps,
            "steps of the plan and of the report"
        );
        assert!(
            !has_no_expression || !checked.canonical.value().to_string().contains("${{"),
            "an expression of a foreign file"
        );
    }
    let steps = imported.plan.get("steps").map(dvt_import::Node::entries).unwrap_or_default();
    let title = |step: &dvt_import::Node| match step.get("title") {
        Some(dvt_import::Node::Text(title)) => Some(title.clone()),
        _ => None,
    };
    steps.iter().flat_map(|(id, step)| title(step).into_iter().chain([id.clone()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_have_their_names_once_and_the_control_can_be_met() {
        let names: std::collections::BTreeSet<&str> = ALL.iter().map(|target| target.name).collect();
        assert_eq!(names.len(), ALL.len());
        let plan = b"apiVersion: dvt/v1\nname: a\nsteps:\n  plant_74: { uses: dvt/noop@1 }\n";
        assert_eq!((reader::TARGET.read)(plan), ["plant_74"]);
        assert_eq!((expression::TARGET.read)(b"'plant_74'"), ["plant_74"]);
        assert_eq!((scrub::TARGET.read)(b"plant_74 vT9-qUx_4417"), ["plant_74"]);
    }
}
