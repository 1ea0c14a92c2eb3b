//! `dvt plan schema`: the JSON Schema of plans, or of their tests, for editors. It is a result as it stands: no table of it exists.

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
pub(crate) struct Arguments {
    /// The schema of test files (`*.test.yaml`) instead.
    #[arg(long)]
    tests: bool,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, screen: &mut Screen) -> Result<Exit, Problem> {
    let schema = if arguments.tests { dvt_plan::editor::test_schema() } else { dvt_plan::editor::schema() };
    if screen.for_people() {
        let text = serde_json::to_string_pretty(&schema)
            .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
        screen.line(&text);
    } else {
        screen.json(&schema);
    }
    Ok(Exit::Completed)
}
