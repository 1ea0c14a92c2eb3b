//! `dvt runs reject RUN STEP -m TEXT`: a vote against what an approval step asks; one is enough.

use super::act;
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::running::typed::{self, Words};
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::deed::Deed;
use dvt_model::proof::StepApprove;

/// Vote against what an approval step asks; one refusal fails the step.
///
/// Example:
///   dvt runs reject @latest release -m "the figures are wrong"
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
    let deed = Deed::Reject { step_id: typed::step(&arguments.step)? };
    let told = format!("rejected {}", arguments.step);
    let asked = arguments.words.act(deed, "dvt runs reject", "Why is it rejected?", &told);
    act::ask::<StepApprove>(asked, composition, screen).await
}
