//! `dvt runs cancel RUN -m TEXT`: asks the engine to cancel, with the reason as its decision record.
//!
//! Where no engine works, this process becomes the engine and sees the run to its end.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::{Act, Words};
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::proof::RunCancel;

/// Cancel a run: running steps get a few seconds to end, nothing new starts.
///
/// Example:
///   dvt runs cancel @latest -m "wrong input file"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    words: Words,
    /// Your word that what always runs on the way out may run as you, without a wall (needed where no engine works on it).
    #[arg(long)]
    allow_host: bool,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let asked = Act { allow_host: arguments.allow_host, ..arguments.words.cancel("dvt runs cancel") };
    super::act::ask::<RunCancel>(asked, composition, screen).await
}
