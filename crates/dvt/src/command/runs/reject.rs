//! `dvt runs reject RUN STEP -m TEXT`: a vote against what an approval step asks; one is enough.

use super::act;
use super::typed::{self, Act};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
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
    /// The run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// The step.
    #[arg(value_name = "STEP")]
    step: String,
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
        deed: Deed::Reject { step_id: typed::step(&arguments.step)? },
        route: "dvt runs reject",
        question: "Why is it rejected?",
        told: &format!("rejected {}", arguments.step),
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
        dry_run: arguments.dry_run,
    };
    act::ask::<StepApprove>(asked, composition, screen).await
}
