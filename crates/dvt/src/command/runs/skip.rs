//! `dvt runs skip RUN STEP -m TEXT`: leaves a step out; it counts as a success with a null output.

use super::act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::{self, Words};
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::deed::Deed;
use dvt_model::proof::SignalSend;

/// Leave out a step that has not begun or has failed; what needs it goes on.
///
/// Example:
///   dvt runs skip @latest load -m "loaded by hand"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    words: Words,
    /// The step.
    #[arg(value_name = "STEP")]
    step: String,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let deed = Deed::SkipStep { step_id: typed::step(&arguments.step)? };
    let told = format!("skipped {}", arguments.step);
    let asked = arguments.words.act(deed, "dvt runs skip", "Why is it to be skipped?", &told);
    act::ask::<SignalSend>(asked, composition, screen).await
}
