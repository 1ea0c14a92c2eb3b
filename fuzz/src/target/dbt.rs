//! Manifests of dbt, with and without a selection.

use super::{Target, imported, lossy};
use dvt_import::dbt::{self, Form, Options};

/// The target.
pub(super) const TARGET: Target = Target {
    name: "dbt",
    seeds: &["examples/dbt-shop"],
    words: WORDS,
    keys: &["crates/pure/import/src/dbt"],
    read,
};

const WORDS: &[&str] = &[
    "--select ",
    "tag:",
    "+",
    "@",
    "2+",
    ",",
    "path:",
    "fqn:",
    "config.materialized:",
    "source:",
    "test_type:generic",
    "*",
    "\"nodes\":{",
    "\"sources\":{",
    "\"metadata\":{",
    "\"resource_type\":\"",
    "model",
    "seed",
    "snapshot",
    "test",
    "operation",
    "\"depends_on\":{\"nodes\":[",
    "\"tags\":[",
    "on-run-start",
    "on-run-end",
    "\"config\":{",
    "\"severity\":\"warn\"",
    "\"fqn\":[",
    "\"original_file_path\":\"",
    "\"name\":\"",
    "\"package_name\":\"",
    "model.shop.",
    "\"disabled\":{",
    "\"exposures\":{",
    "\"unit_tests\":{",
    "\\u0000",
    "\\n",
    "${{",
    "order:last:1",
    "},",
    "]",
    "https://schemas.getdbt.com/dbt/manifest/v12.json",
];

/// A manifest, in both forms; a first line that begins with `--select ` is a selection.
fn read(text: &[u8]) -> Vec<String> {
    let text = lossy(text);
    let (select, text) = match text.strip_prefix("--select ").and_then(|rest| rest.split_once('\n')) {
        Some((select, rest)) => (Some(select), rest),
        None => (None, text.as_ref()),
    };
    let import = |form| {
        imported(dbt::import(text, &Options { form, select, exclude: None, tests_block: false }), true)
    };
    drop(import(Form::Simulated));
    import(Form::Program)
}
