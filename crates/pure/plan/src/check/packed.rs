//! DVT-P023: an argument that looks like a file beside the plan, which `files` does not pack. By its looks alone: this
//! crate sees no folder.

use crate::diagnostic::codes;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::document::Draft;
use crate::glob;
use crate::plan::Form;
use crate::read::tree::Place;

/// Endings of what lies beside a plan.
const ENDINGS: &[&str] = &[
    "py", "sh", "bash", "sql", "js", "mjs", "ts", "rb", "pl", "r", "R", "lua", "jl", "awk", "jq", "json",
    "jsonl", "csv", "tsv", "yaml", "yml", "toml", "txt", "xml", "ini", "j2", "parquet", "ipynb", "jar",
    "tmpl",
];

/// Warns once for each such name of a step.
pub(crate) fn check(draft: &Draft, sink: &mut Collector<'_>) {
    for step in draft.bodies() {
        let Some(Form::Run { program, arguments }) = &step.form else { continue };
        if program.contains('/') {
            one(draft, sink, program, step.place);
        }
        for (template, place) in arguments.iter().zip(&step.argument_places) {
            if let Some(text) = template.as_literal() {
                one(draft, sink, text, *place);
            }
        }
    }
}

fn one(draft: &Draft, sink: &mut Collector<'_>, text: &str, place: Place) {
    if !looks_like_file(text) || draft.files.iter().any(|glob| glob::matches(glob, text)) {
        return;
    }
    let name = text.strip_prefix("./").unwrap_or(text);
    let mut globs: Vec<String> = draft.files.iter().map(|glob| format!("'{glob}'")).collect();
    globs.push(format!("'{name}'"));
    let message = format!("{} is not packed, so the step would not find it", shown(text));
    let report = Report::warning(codes::FILE_NOT_PACKED, place, message)
        .why("a step sees the plan's `files` and nothing else of its folder");
    sink.add(report.fix(format!("files: [{}]", globs.join(", "))));
}

fn looks_like_file(text: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    let ending = text.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
    text.len() <= 200
        && !text.starts_with(['/', '-', '~', '.']) | text.starts_with("./")
        && !text.contains("..")
        && text.chars().all(letters)
        && ending.is_some_and(|(name, ending)| !name.is_empty() && ENDINGS.contains(&ending))
}
