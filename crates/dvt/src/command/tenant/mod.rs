//! `dvt tenant …`: what a tenant asks of all its runs.

pub(crate) mod approval;

use crate::compose::{compose, keep_public_keys};
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
    let composition = compose(selected, screen).await?;
    let Command::Approval(command) = command;
    let done = approval::run(&command, &composition, screen).await;
    let kept = keep_public_keys(selected, &composition.store, composition.profile.tenant_id).await;
    let closed = composition.store.close().await;
    let exit = done?;
    kept?;
    closed?;
    Ok(exit)
}
