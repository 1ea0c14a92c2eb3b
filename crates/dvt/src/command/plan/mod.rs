//! `dvt plan …`: what can be said about a plan without running it.

pub(crate) mod diff;
pub(crate) mod graph;
pub(crate) mod schema;
pub(crate) mod stats;
pub(crate) mod test;

use crate::command::lint;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Subcommand;
use dvt_model::code::Code;
use dvt_plan::Checked;
use std::path::Path;

/// Look at plans without running them.
///
/// Example:
///   dvt plan stats examples/orders-etl/plan.yaml
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Stats(stats::Arguments),
    Test(test::Arguments),
    Graph(graph::Arguments),
    Diff(diff::Arguments),
    Schema(schema::Arguments),
}

/// Does it.
pub(crate) fn run(command: &Command, screen: &mut Screen) -> Result<Exit, Problem> {
    match command {
        Command::Stats(arguments) => stats::run(arguments, screen),
        Command::Test(arguments) => test::run(arguments, screen),
        Command::Graph(arguments) => graph::run(arguments, screen),
        Command::Diff(arguments) => diff::run(arguments, screen),
        Command::Schema(schema::Arguments {}) => schema::run(screen),
    }
}

/// A plan that passed every check; what is wrong with another is shown.
fn checked(file: &Path, screen: &Screen) -> Result<Checked, Problem> {
    let source = lint::read(file)?;
    let outcome = crate::command::sub_plans::check(&source);
    let Some(checked) = &outcome.checked else {
        lint::show(&source, &outcome, screen);
        let message = format!("{}: {}", source.name, lint::counts(&outcome));
        return Err(Problem::new(Code::InvalidPlanSchema, message));
    };
    Ok(checked.clone())
}
