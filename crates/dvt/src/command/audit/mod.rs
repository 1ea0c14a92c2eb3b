//! `dvt audit …`

pub(crate) mod verify;

use clap::Subcommand;

/// Prove what happened.
///
/// Example:
///   dvt audit verify
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    Verify(verify::Arguments),
}
