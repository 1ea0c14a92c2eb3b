//! `dvt config …`

pub(crate) mod check;
pub(crate) mod show;

use clap::Subcommand;

/// See what this installation is and where its files lie, and check them.
///
/// Example:
///   dvt config show
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Show(show::Arguments),
    Check(check::Arguments),
}
