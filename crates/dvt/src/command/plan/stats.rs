//! `dvt plan stats FILE`: the shape of a plan and its worst case.

use crate::command::plan::checked;
use crate::documents::sub_plans::Library;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::{bound, size};
use crate::view::screen::Screen;
use crate::view::table;
use clap::Args;
use dvt_model::code::Code;
use std::path::PathBuf;

/// Count a plan's steps, edges and layers, and show its worst case.
///
/// Example:
///   dvt plan stats examples/orders-etl/plan.yaml
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plan.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Does it.
pub(crate) fn run(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let stats = dvt_plan::stats::of(&checked(&arguments.file, library, screen)?);
    if !screen.for_people() {
        let value =
            serde_json::to_value(&stats).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        screen.json(&value);
        return Ok(Exit::Completed);
    }
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let rows = vec![
        row("steps", stats.steps.to_string()),
        row("edges", stats.edges.to_string()),
        row("edges of the source", stats.source_edges.to_string()),
        row("levels", stats.levels.to_string()),
        row("widest level", stats.widest.to_string()),
        row("attempts at most", stats.bounds.attempts.to_string()),
        row("at once at most", stats.bounds.parallel.to_string()),
        row("duration at most", bound(stats.bounds.duration_ms)),
        row("outputs at most", size(stats.bounds.output_bytes)),
    ];
    screen.out(&table::draw(&["WHAT", "COUNT"], &rows));
    Ok(Exit::Completed)
}
