//! `dvt plan schema`: the JSON Schema of plans, for editors. It is a result as it stands: no table of it exists.

use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;

/// Print the JSON Schema of plans, which editors complete and check by.
///
/// Example:
///   dvt plan schema
///
/// A plan names it in its first line: `# yaml-language-server: $schema=dvt-plan.v1.schema.json`
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {}

/// Does it.
pub(crate) fn run(screen: &mut Screen) -> Result<Exit, Problem> {
    let schema = dvt_plan::editor::schema();
    if screen.for_people() {
        let text = serde_json::to_string_pretty(&schema)
            .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        screen.line(&text);
    } else {
        screen.json(&schema);
    }
    Ok(Exit::Completed)
}
