//! `dvt audit …`

pub(crate) mod export;
pub(crate) mod filter;
pub(crate) mod prove;
pub(crate) mod show;
pub(crate) mod verify;

use crate::compose::compose;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Subcommand;

/// Prove what happened.
///
/// Example:
///   dvt audit verify
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Verify(verify::Arguments),
    Show(show::Arguments),
    Prove(prove::Arguments),
    Export(export::Arguments),
}

/// Does what needs the store; `verify` without keys needs none.
pub(crate) async fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let composition = compose(selected, screen).await?;
    let done = match command {
        Command::Verify(arguments) => verify::with_keys(&arguments, selected, &composition, screen).await,
        Command::Show(arguments) => show::run(&arguments, &composition, screen).await,
        Command::Prove(arguments) => prove::run(&arguments, &composition, screen).await,
        Command::Export(arguments) => export::run(&arguments, &composition, screen).await,
    };
    let closed = composition.store.close().await;
    let exit = done?;
    closed?;
    Ok(exit)
}
