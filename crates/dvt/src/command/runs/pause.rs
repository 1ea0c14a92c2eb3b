//! `dvt runs pause RUN -m TEXT`: running steps finish, nothing new starts.

use super::act;
use super::typed::Act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::deed::Deed;
use dvt_model::proof::SignalSend;

/// Pause a run: running steps finish, nothing new starts until it is resumed.
///
/// Example:
///   dvt runs pause @latest -m "the warehouse is full"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Only show what it would change.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let asked = Act {
        run: &arguments.run,
        deed: Deed::Pause {},
        route: "dvt runs pause",
        question: "Why is it to be paused?",
        told: "paused",
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
        dry_run: arguments.dry_run,
    };
    act::ask::<SignalSend>(asked, composition, screen).await
}
