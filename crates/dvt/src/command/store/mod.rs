//! `dvt store …`: look whether everything is whole, take a backup, put one back.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod restore;

use crate::compose::within;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::Selected;
use crate::view::screen::Screen;
use clap::Subcommand;

/// Check, back up and restore everything that DVT keeps.
///
/// Example:
///   dvt store check
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Check(check::Arguments),
    Backup(backup::Arguments),
    Restore(restore::Arguments),
}

/// Does it. Putting back is for an installation that has no store.
pub(crate) async fn run(command: Command, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let command = match command {
        Command::Restore(arguments) => return restore::run(&arguments, selected, screen),
        Command::Check(_) | Command::Backup(_) if selected.read()?.is_none() => {
            return Err(Problem::new(
                dvt_model::code::Code::NotFound,
                format!("there is no profile `{}` and so nothing to look at", selected.name),
            )
            .fix("dvt store restore FILE    puts a backup back"));
        }
        other => other,
    };
    within(selected, screen, async |composition, screen| match command {
        Command::Check(_) => check::run(composition, screen).await,
        Command::Backup(arguments) => backup::run(&arguments, selected, composition, screen).await,
        Command::Restore(arguments) => restore::run(&arguments, selected, screen),
    })
    .await
}
