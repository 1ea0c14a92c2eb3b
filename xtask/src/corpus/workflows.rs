//! The workflows of Argo and GitHub that others wrote, through the real program: how many import and lint clean, how many of
//! those have a step that only says what is missing, and why the rest does not.
//!
//! What is not imported or not clean is named with its reason; an exit that is no refusal (a panic above all) fails.

use crate::process::Outcome;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a folder of the corpus is, and the least share of it, in per cent, that must be clean.
const TABLES: [(&str, &str, usize); 2] = [("argo", "plans/argo", 60), ("github", "plans/gha-starter", 80)];
/// The exit code of a refusal.
const REFUSED: i32 = 2;

#[derive(Default)]
struct Table {
    all: usize,
    clean: usize,
    whole: usize,
    missing: u64,
    steps: u64,
    reasons: BTreeMap<String, Vec<String>>,
    lost: BTreeMap<String, u64>,
}

/// Prints both tables.
pub(super) fn tables(dvt: &Path, data: &Path) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (dialect, place, least) in TABLES {
        let mut table = Table::default();
        for file in files(&data.join(place))? {
            table.file(dvt, dialect, &file, folder.path())?;
        }
        table.print(dialect);
        if table.clean * 100 < table.all * least {
            return Err(format!(
                "{dialect}: {} of {} files are clean, {least} % are asked",
                table.clean, table.all
            ));
        }
    }
    Ok(())
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

impl Table {
    fn file(&mut self, dvt: &Path, dialect: &str, file: &Path, folder: &Path) -> Outcome {
        self.all += 1;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let plan = folder.join(format!("{dialect}-{}.yaml", self.all));
        let home = folder.join("home");
        let run = |arguments: &[&str], paths: &[&Path]| -> Result<Output, String> {
            let mut command = Command::new(dvt);
            command.env("DVT_HOME", &home).args(arguments).args(paths).args(["--output", "json"]);
            command.output().map_err(|error| format!("dvt: {error}"))
        };
        let imported = run(&["import", dialect], &[file, Path::new("--out"), &plan])?;
        if !imported.status.success() {
            if imported.status.code() != Some(REFUSED) {
                let said = String::from_utf8_lossy(&imported.stderr).into_owned();
                return Err(format!("{name}: `dvt import` ended with {}\n{said}", imported.status));
            }
            let said: Value = serde_json::from_slice(&imported.stderr).unwrap_or_default();
            let said = said.pointer("/error/message").or_else(|| said.get("message")).and_then(Value::as_str);
            let said =
                said.and_then(|said| said.split("is not imported: ").nth(1)).unwrap_or("it is refused");
            let reason = said.split([':', '`']).take(2).collect::<Vec<_>>().join(":");
            self.reasons.entry(format!("not imported, {reason}")).or_default().push(name);
            return Ok(());
        }
        let report: Value =
            serde_json::from_slice(&imported.stdout).map_err(|error| format!("{name}: {error}"))?;
        for loss in report.pointer("/report/lost").and_then(Value::as_array).into_iter().flatten() {
            let what = loss.get("what").and_then(Value::as_str).unwrap_or("?").to_owned();
            *self.lost.entry(what).or_default() +=
                loss.get("count").and_then(Value::as_u64).unwrap_or_default();
        }
        let linted = run(&["lint"], &[&plan])?;
        let linted: Value =
            serde_json::from_slice(&linted.stdout).map_err(|error| format!("{name}: {error}"))?;
        if let Some(first) = linted.pointer("/files/0/diagnostics/0") {
            let text = |key: &str| first.get(key).and_then(Value::as_str).unwrap_or("?");
            let reason = format!("{} {}", text("code"), text("message"));
            self.reasons.entry(reason).or_default().push(name);
            return Ok(());
        }
        let figure =
            |key: &str| report.pointer(&format!("/report/{key}")).and_then(Value::as_u64).unwrap_or_default();
        self.clean += 1;
        self.whole += usize::from(figure("missing") == 0);
        self.missing += figure("missing");
        self.steps += figure("steps");
        Ok(())
    }

    fn print(&self, dialect: &str) {
        let share = self.clean * 100 / self.all.max(1);
        println!(
            "corpus: {dialect}: {} of {} files import and lint clean ({share} %); {} of them whole, {} with steps that only say \
             what is missing ({} of {} steps)",
            self.clean,
            self.all,
            self.whole,
            self.clean - self.whole,
            self.missing,
            self.steps
        );
        for (reason, files) in &self.reasons {
            println!("corpus: {dialect}: {:>3} {reason}: {}", files.len(), files.join(", "));
        }
        let lost: Vec<String> = self.lost.iter().map(|(what, count)| format!("{what} {count}")).collect();
        println!("corpus: {dialect}: lost, each named with its place: {}", lost.join(", "));
    }
}
