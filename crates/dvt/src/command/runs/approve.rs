//! `dvt runs approve RUN STEP -m TEXT`: a vote for what an approval step asks.

use super::act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::{self, Words};
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::deed::Deed;
use dvt_model::proof::StepApprove;

/// Vote for what an approval step asks; the reason stands in the ledger.
///
/// Example:
///   dvt runs approve @latest release -m "checked the figures"
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
    let deed = Deed::Approve { step_id: typed::step(&arguments.step)? };
    let told = format!("approved {}", arguments.step);
    let asked = arguments.words.act(deed, "dvt runs approve", "Why is it approved?", &told);
    act::ask::<StepApprove>(asked, composition, screen).await
}
