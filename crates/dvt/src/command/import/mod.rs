//! `dvt import …`: foreign workflow descriptions as plans, with a report of everything that could not be kept.
//!
//! The plan is the result, the report stands beside it. Nothing is run, and a file that exists is not written over.

pub(crate) mod argo;
pub(crate) mod dbt;
pub(crate) mod github;
pub(crate) mod wfcommons;

use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Subcommand;
use dvt_import::{Error, Imported};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Make a plan of a description that another tool wrote.
///
/// Example:
///   dvt import dbt examples/dbt-shop/manifest.json --as simulated
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Argo(argo::Arguments),
    Dbt(dbt::Arguments),
    Github(github::Arguments),
    Wfcommons(wfcommons::Arguments),
}

/// The largest description that is read.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Names of one kind that people are shown.
const SHOWN: usize = 3;

/// Does it.
pub(crate) fn run(command: &Command, screen: &mut Screen) -> Result<Exit, Problem> {
    match command {
        Command::Argo(arguments) => argo::run(arguments, screen),
        Command::Dbt(arguments) => dbt::run(arguments, screen),
        Command::Github(arguments) => github::run(arguments, screen),
        Command::Wfcommons(arguments) => wfcommons::run(arguments, screen),
    }
}

fn read(path: &Path) -> Result<String, Problem> {
    files::read(path, MOST_BYTES)
}

fn refused(path: &Path, error: &Error) -> Problem {
    Problem::usage(format!("`{}` is not imported: {error}", path.display()))
}

/// Gives plan and report.
fn give(
    imported: &Imported,
    source: &Path,
    out: Option<&PathBuf>,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = imported.text(&name);
    if let Some(path) = out {
        files::write_new(path, &text)?;
    }
    if !screen.for_people() {
        let plan = out.map_or_else(|| json!(text), |path| json!(path.display().to_string()));
        screen.json(&json!({"plan": plan, "report": imported.report}));
        return Ok(Exit::Completed);
    }
    match out {
        Some(path) => screen.line(&path.display().to_string()),
        None => screen.out(&text),
    }
    let report = &imported.report;
    let (steps, edges) =
        (plural(report.steps, "step", "steps"), plural(report.source_edges, "edge", "edges"));
    screen.say(&format!("{steps}, {edges}"));
    if report.missing > 0 {
        let missing = plural(report.missing, "step only says", "steps only say");
        screen.say(&format!("{missing} what is missing, and would fail; write there what it did"));
    }
    for loss in &report.lost {
        let named: Vec<&str> = loss.named.iter().take(SHOWN).map(String::as_str).collect();
        let more = usize::try_from(loss.count).unwrap_or(usize::MAX).saturating_sub(named.len());
        let more =
            if more == 0 { String::new() } else { format!(" and {more} more (`--output json` names them)") };
        screen.say(&safe(&format!("not kept: {} ({}): {}{more}", loss.what, loss.why, named.join(", "))));
    }
    Ok(Exit::Completed)
}
