//! `dvt plan …`: what can be said about a plan without running it, and the published ones.

pub(crate) mod diff;
pub(crate) mod get;
pub(crate) mod graph;
pub(crate) mod list;
pub(crate) mod publish;
pub(crate) mod schema;
pub(crate) mod stats;
pub(crate) mod test;

use crate::command::{lint, wait};
use crate::compose::within;
use crate::documents::source;
use crate::documents::sub_plans::Library;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Subcommand;
use dvt_plan::Checked;
use std::path::Path;

/// Look at plans without running them, and publish them.
///
/// Example:
///   dvt plan stats examples/orders-etl/plan.yaml
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Publish(publish::Arguments),
    List(list::Arguments),
    Get(get::Arguments),
    Stats(stats::Arguments),
    Test(test::Arguments),
    Graph(graph::Arguments),
    Diff(diff::Arguments),
    Schema(schema::Arguments),
}

/// Does it.
pub(crate) fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let mut library = Library::of(selected);
    let library = &mut library;
    match &command {
        Command::Publish(arguments) => wait(publish::run(arguments, selected, screen)),
        Command::List(arguments) => wait(within(selected, screen, async |composition, screen| {
            list::run(arguments, composition, screen).await
        })),
        Command::Get(arguments) => wait(within(selected, screen, async |composition, screen| {
            get::run(arguments, composition, screen).await
        })),
        Command::Stats(arguments) => stats::run(arguments, library, screen),
        Command::Test(arguments) => test::run(arguments, library, screen),
        Command::Graph(arguments) => graph::run(arguments, library, screen),
        Command::Diff(arguments) => diff::run(arguments, library, screen),
        Command::Schema(arguments) => schema::run(arguments, screen),
    }
}

/// A plan that passed every check; what is wrong with another is shown.
fn checked(file: &Path, library: &mut Library<'_>, screen: &Screen) -> Result<Checked, Problem> {
    let source = source::read(file)?;
    let outcome = library.check(&source, screen)?;
    match &outcome.checked {
        Some(checked) => Ok(checked.clone()),
        None => Err(lint::refused(&source, outcome, "", screen)),
    }
}
