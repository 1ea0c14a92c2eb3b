//! Every manifest and instance of the corpus against the figures that were counted by others.

use dvt_import::dbt::{Form, Options};
use dvt_import::{Imported, dbt, wfcommons};
use dvt_plan::diagnostic::Source;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(crate) fn corpus(folder: &str) -> Option<PathBuf> {
    let Some(data) = std::env::var_os("DVT_TEST_DATA") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "DVT_TEST_DATA is not set in CI");
        println!("skipped: DVT_TEST_DATA is not set");
        return None;
    };
    Some(Path::new(&data).join(folder))
}

pub(crate) fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

/// The rows of an EXPECTED.tsv by the names of its columns.
fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let table = std::fs::read_to_string(path).unwrap();
    let mut lines = table.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    lines.map(|cells| names.iter().cloned().zip(cells).collect()).collect()
}

/// The shape of the plan, after it was written and checked like any other; not one diagnostic.
fn shape(imported: &Imported, name: &str) -> [u64; 4] {
    let source = Source { name: name.to_owned(), text: imported.text(name) };
    let outcome = dvt_plan::check(&source);
    assert!(outcome.diagnostics.is_empty(), "{name}: {:#?}", outcome.diagnostics.first());
    let stats = dvt_plan::stats::of(&outcome.checked.unwrap());
    assert_eq!(
        (stats.steps, stats.source_edges),
        (imported.report.steps, imported.report.source_edges),
        "{name}"
    );
    [stats.steps, stats.source_edges, stats.levels, stats.widest]
}

fn compare(folder: &Path, files: &Path, import: impl Fn(&str) -> Vec<Imported>, least: usize) {
    let rows = rows(&folder.join("EXPECTED.tsv"));
    assert!(rows.len() >= least, "{} rows", rows.len());
    for row in rows {
        let expected =
            ["tasks", "edges", "levels", "max_width"].map(|name| row[name].parse::<u64>().unwrap());
        for imported in import(&text(&files.join(&row["file"]))) {
            assert_eq!(shape(&imported, &row["file"]), expected, "{}", row["file"]);
        }
    }
}

#[test]
fn every_dbt_manifest_has_the_expected_shape() {
    let Some(folder) = corpus("dbt") else { return };
    let both = |text: &str| {
        let options = |form| Options { form, select: None, exclude: None, tests_block: false };
        [Form::Simulated, Form::Program].map(|form| dbt::import(text, &options(form)).unwrap()).to_vec()
    };
    compare(&folder, &folder.join("manifest"), both, 14);
}

#[test]
fn every_wfcommons_instance_has_the_expected_shape() {
    let Some(folder) = corpus("wf") else { return };
    compare(&folder, &folder, |text| vec![wfcommons::import(text).unwrap()], 7);
}
