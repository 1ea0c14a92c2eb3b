//! `dvt runs pause RUN -m TEXT`: running steps finish, nothing new starts.

use super::act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::Words;
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
    #[command(flatten)]
    words: Words,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let deed = Deed::Pause {};
    let asked = arguments.words.act(deed, "dvt runs pause", "Why is it to be paused?", "paused");
    act::ask::<SignalSend>(asked, composition, screen).await
}
