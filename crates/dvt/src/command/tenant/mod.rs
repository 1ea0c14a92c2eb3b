//! `dvt tenant …`: what a tenant asks of all its runs.

pub(crate) mod approval;

use crate::compose::within;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Subcommand;

/// See and change what the tenant asks of all its runs.
///
/// Example:
///   dvt tenant approval get
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    #[command(subcommand)]
    Approval(approval::Command),
}

/// Does it.
pub(crate) async fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let Command::Approval(command) = command;
    within(selected, screen, async |composition, screen| approval::run(&command, composition, screen).await)
        .await
}
