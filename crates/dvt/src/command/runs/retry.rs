//! `dvt runs retry RUN STEP -m TEXT`: another attempt of a step that failed.

use super::act::{self, Act};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::deed::Deed;
use dvt_model::proof::SignalSend;

/// Give a failed step another attempt; nothing that needs it runs again.
///
/// Example:
///   dvt runs retry @latest load -m "the warehouse is back"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The run: an id, its first six or more digits, or `@latest`.
    #[arg(value_name = "RUN")]
    run: String,
    /// The step.
    #[arg(value_name = "STEP")]
    step: String,
    /// Also a step that succeeded or was left out.
    #[arg(long)]
    force: bool,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let asked = Act {
        run: &arguments.run,
        deed: Deed::RetryStep { step_id: act::step(&arguments.step)?, force: arguments.force },
        route: "dvt runs retry",
        question: "Why is it to be tried again?",
        told: &format!("another attempt of {}", arguments.step),
        message: arguments.message.as_deref(),
        signal_id: None,
        allow_host: false,
    };
    act::ask::<SignalSend>(asked, composition, screen).await
}
