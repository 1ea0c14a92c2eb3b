//! `dvt runs approve RUN STEP -m TEXT`: a vote for what an approval step asks.

use super::act;
use super::typed::{self, Act};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
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
        deed: Deed::Approve { step_id: typed::step(&arguments.step)? },
        route: "dvt runs approve",
        question: "Why is it approved?",
        told: &format!("approved {}", arguments.step),
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
        dry_run: arguments.dry_run,
    };
    act::ask::<StepApprove>(asked, composition, screen).await
}
