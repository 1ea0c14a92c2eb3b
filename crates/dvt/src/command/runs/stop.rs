//! `dvt runs stop RUN -m TEXT`: the emergency stop. No compensation, no `finally`; `dvt runs cancel` is the orderly way.

use super::act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::Words;
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
    #[command(flatten)]
    words: Words,
    /// Without the 5 s between terminate and kill.
    #[arg(long)]
    force_kill: bool,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let deed = Deed::EmergencyStop { force_kill: arguments.force_kill };
    let asked = arguments.words.act(deed, "dvt runs stop", "Why is it to be stopped at once?", "stopped");
    act::ask::<SignalSend>(asked, composition, screen).await
}
