//! `dvt demo …`: what DVT promises, shown on this machine with real processes, in an installation of its own that is gone after.

pub(crate) mod crash;
mod place;

use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Subcommand;

/// Show on this machine what DVT promises, in a folder of its own.
///
/// Example:
///   dvt demo crash
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Crash(crash::Arguments),
}

/// Does it.
pub(crate) async fn run(command: Command, screen: &mut Screen) -> Result<Exit, Problem> {
    match command {
        Command::Crash(arguments) => crash::run(&arguments, screen).await,
    }
}
