//! `dvt plan graph FILE`: the plan as a picture, on standard output.

use crate::command::plan::checked;
use crate::documents::sub_plans::Library;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

/// Draw a plan: Mermaid for documents, SVG for everything else.
///
/// Example:
///   dvt plan graph examples/orders-etl/plan.yaml --as svg
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The plan.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of picture.
    #[arg(long = "as", value_enum, value_name = "KIND", default_value = "mermaid")]
    kind: Kind,
}

/// Kinds of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A flowchart as text.
    Mermaid,
    /// A drawing without script.
    Svg,
}

/// Does it.
pub(crate) fn run(
    arguments: &Arguments,
    library: &mut Library<'_>,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let checked = checked(&arguments.file, library, screen)?;
    let picture = match arguments.kind {
        Kind::Mermaid => dvt_plan::graph::mermaid(&checked),
        Kind::Svg => dvt_plan::graph::svg(&checked),
    };
    if screen.for_people() {
        screen.out(&picture);
    } else {
        screen.json(&json!({ "picture": picture }));
    }
    Ok(Exit::Completed)
}
