//! `dvt runs skip RUN STEP -m TEXT`: leaves a step out; it counts as a success with a null output.

use super::act;
use super::typed::{self, Act};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
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
        deed: Deed::SkipStep { step_id: typed::step(&arguments.step)? },
        route: "dvt runs skip",
        question: "Why is it to be skipped?",
        told: &format!("skipped {}", arguments.step),
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
        dry_run: arguments.dry_run,
    };
    act::ask::<SignalSend>(asked, composition, screen).await
}
