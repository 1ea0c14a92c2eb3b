//! `cargo xtask corpus`: every manifest and instance of the corpus goes through the real program: import, lint, stats beside the
//! expected figures, and a run to its end; then the table of the workflows of Argo and GitHub.
//!
//! The shapes are also a test of the import crate; here the runs are new. Without `DVT_TEST_DATA` it is skipped, in CI that
//! is a failure.

mod workflows;

use crate::process::{self, Outcome, known};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    known(arguments, &[])?;
    let Some(data) = std::env::var_os("DVT_TEST_DATA").map(PathBuf::from) else {
        if std::env::var("CI").as_deref() == Ok("true") {
            return Err("DVT_TEST_DATA is not set in CI".to_owned());
        }
        println!("corpus: skipped, DVT_TEST_DATA is not set");
        return Ok(());
    };
    let dvt = process::build_gate()?.join("dvt");
    let mut count = 0;
    for (folder, files, import) in
        [("dbt", "dbt/manifest", ["dbt", "--as", "simulated"].as_slice()), ("wf", "wf", &["wfcommons"])]
    {
        let table = data.join(folder).join("EXPECTED.tsv");
        for row in rows(&table)? {
            let name = cell(&row, "file")?;
            one(&dvt, &data.join(files).join(name), import, &row)
                .map_err(|fault| format!("{name}: {fault}"))?;
            count += 1;
        }
    }
    println!(
        "corpus: {count} of {count} imported with the expected counts, linted clean and ran to their end"
    );
    workflows::tables(&dvt, &data)
}

type Row = Vec<(String, String)>;

/// The rows of a table with a line of names.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().ok_or("an empty table")?;
    Ok(lines.map(|cells| names.iter().cloned().zip(cells).collect()).collect())
}

fn cell<'a>(row: &'a Row, name: &str) -> Result<&'a str, String> {
    let found = row.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("no column `{name}`"))
}

fn one(dvt: &Path, source: &Path, import: &[&str], row: &Row) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (document, plan) = (folder.path().join("source.json"), folder.path().join("plan.yaml"));
    unpack(source, &document).map_err(|error| error.to_string())?;
    let command = || {
        let mut command = Command::new(dvt);
        command.env("DVT_HOME", folder.path().join("home"));
        command
    };
    process::output(command().arg("import").args(import).arg(&document).arg("--out").arg(&plan))?;
    let linted = json(command().args(["lint", "--output", "json"]).arg(&plan))?;
    let told = linted.pointer("/files/0/diagnostics").and_then(Value::as_array).map_or(1, Vec::len);
    if told > 0 {
        return Err(format!("lint is not clean: {linted}"));
    }
    let stats = json(command().args(["plan", "stats", "--output", "json"]).arg(&plan))?;
    for (ours, theirs) in
        [("steps", "tasks"), ("sourceEdges", "edges"), ("levels", "levels"), ("widest", "max_width")]
    {
        let found = stats.get(ours).map(Value::to_string).unwrap_or_default();
        if found != cell(row, theirs)? {
            return Err(format!("{ours} is {found}, expected {theirs} {}", cell(row, theirs)?));
        }
    }
    let begun = Instant::now();
    let ended = json(command().args(["run", "--output", "json"]).arg(&plan))?;
    let took = begun.elapsed();
    let steps = ended.get("steps").and_then(Value::as_object).ok_or("the run has no steps")?;
    let done =
        steps.values().filter(|step| step.get("status").is_some_and(|status| status == "SUCCESS")).count();
    if ended.get("status").is_none_or(|status| status != "COMPLETED")
        || done.to_string() != cell(row, "tasks")?
    {
        return Err(format!("{done} steps completed of {}", cell(row, "tasks")?));
    }
    let verified = json(command().args(["audit", "verify", "--output", "json"]))?;
    if verified.get("status").is_none_or(|status| status != "VALID") {
        return Err(format!("its ledger is not VALID: {verified}"));
    }
    println!(
        "corpus: {:<50} {done:>6} steps {:>6} edges {:>4} levels, ran in {:.1} s",
        cell(row, "file")?,
        cell(row, "edges")?,
        cell(row, "levels")?,
        took.as_secs_f64()
    );
    Ok(())
}

fn json(command: &mut Command) -> Result<Value, String> {
    serde_json::from_str(&process::output(command)?).map_err(|error| error.to_string())
}

fn unpack(source: &Path, target: &Path) -> io::Result<()> {
    let mut file = File::open(source)?;
    let mut out = File::create(target)?;
    if source.extension().is_some_and(|extension| extension == "gz") {
        io::copy(&mut GzDecoder::new(file), &mut out)?;
    } else {
        io::copy(&mut file, &mut out)?;
    }
    Ok(())
}
