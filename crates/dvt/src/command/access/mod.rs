//! `dvt access …`: who may do what.

pub(crate) mod explain;

use crate::compose::within;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Subcommand;

/// See who may do what, and by which role.
///
/// Example:
///   dvt access explain me RUN_CANCEL
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Explain(explain::Arguments),
}

/// Does it.
pub(crate) async fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let Command::Explain(arguments) = command;
    within(selected, screen, async |composition, screen| explain::run(&arguments, composition, screen).await)
        .await
}
