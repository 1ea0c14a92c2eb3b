//! `dvt runs stop RUN -m TEXT`: the emergency stop. No compensation, no `finally`; `dvt runs cancel` is the orderly way.

use super::act;
use super::typed::Act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::deed::Deed;
use dvt_model::proof::SignalSend;

/// End a run now, without compensations and `finally` (the orderly way is dvt runs cancel).
///
/// Example:
///   dvt runs stop @latest -m "it deletes the wrong rows"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// Without the 5 s between terminate and kill.
    #[arg(long)]
    force_kill: bool,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Only show what it would end, undo and run.
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
        deed: Deed::EmergencyStop { force_kill: arguments.force_kill },
        route: "dvt runs stop",
        question: "Why is it to be stopped at once?",
        told: "stopped",
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
        dry_run: arguments.dry_run,
    };
    act::ask::<SignalSend>(asked, composition, screen).await
}
