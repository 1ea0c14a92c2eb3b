//! `dvt data prune`: takes the oldest entries out of the ledger once their years are over. Leaves, checkpoints and proofs stay.
//!
//! It shows first what would go. A very long ledger goes in several transactions, each with a decision and a record of its own.

use super::{confirmed, draft, keeping, reason};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::decision::Operation;
use dvt_model::proof::{Authorized, DataErase};
use dvt_model::resource::Tenant;
use dvt_store::port::transaction::Kind;
use dvt_store::{Data, Prunable};
use serde_json::json;

/// Take entries out of the ledger whose years are over; their leaves and every proof stay.
///
/// Example:
///   dvt data prune --dry-run
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Only show what would go.
    #[arg(long)]
    dry_run: bool,
}

const ROUTE: &str = "dvt data prune";

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let proof = proof(composition).await?;
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let mut prunable = transaction.prunable().await?;
    if prunable.first_left <= prunable.lowest {
        nothing(composition, &prunable, arguments.dry_run, screen).await?;
        return Ok(Exit::Completed);
    }
    if arguments.dry_run {
        show(true, &prunable, screen);
        return Ok(Exit::Completed);
    }
    if screen.for_people() {
        screen.note(&format!(
            "{} go for good, and what is due behind them; that they were there stays proved",
            span(&prunable)
        ));
    }
    let why = reason(arguments.message.as_ref(), "pruning the ledger", screen)?;
    confirmed(arguments.yes, screen)?;
    let lowest = prunable.lowest;
    let mut proof = Some(proof);
    while prunable.first_left > prunable.lowest {
        let one = match proof.take() {
            Some(proof) => proof,
            None => self::proof(composition).await?,
        };
        let record = composition.access.record(&one, draft(Operation::LedgerPrune, why.clone()))?;
        let pruned = keeping(composition).prune(&one, &record).await?;
        show_progress(&pruned, screen);
        prunable = composition.store.begin(one.scope(), Kind::Act)?.prunable().await?;
    }
    show(false, &Prunable { lowest, first_left: prunable.lowest }, screen);
    Ok(Exit::Completed)
}

async fn proof(composition: &Composition) -> Result<Authorized<Tenant, DataErase>, Problem> {
    Ok(composition.access.tenant(&composition.context, ROUTE).await?)
}

/// Nothing goes: it is not old enough, or somebody holds it.
async fn nothing(
    composition: &Composition,
    prunable: &Prunable,
    dry_run: bool,
    screen: &mut Screen,
) -> Result<(), Problem> {
    if !screen.for_people() {
        show(dry_run, prunable, screen);
        return Ok(());
    }
    let transaction = composition.store.begin(composition.context.scope(), Kind::Act)?;
    let days = transaction.retention().await?.into_iter().find(|rule| rule.data == Data::Ledger);
    let days = days.map_or(Data::Ledger.default_days(), |rule| rule.days);
    screen.line(&format!(
        "nothing to prune: entries are kept for {}, in whole tiles of 256",
        plural(days, "day", "days")
    ));
    if transaction.holds().await?.iter().any(|hold| hold.released_at.is_none()) {
        screen.line("a legal hold may be what keeps older ones:   dvt data hold list");
    }
    Ok(())
}

fn span(prunable: &Prunable) -> String {
    format!("entries {} to {}", prunable.lowest, prunable.first_left.saturating_sub(1))
}

/// A line for each transaction, for whoever waits.
fn show_progress(pruned: &Prunable, screen: &Screen) {
    if screen.for_people() && pruned.first_left > pruned.lowest {
        screen.note(&format!("{} are gone", span(pruned)));
    }
}

fn show(dry_run: bool, prunable: &Prunable, screen: &mut Screen) {
    let entries = prunable.first_left.saturating_sub(prunable.lowest);
    if !screen.for_people() {
        screen.json(&json!({
            "dryRun": dry_run,
            "lowestIndex": prunable.lowest,
            "firstLeft": prunable.first_left,
            "entries": entries,
        }));
        return;
    }
    let word = if dry_run { "would go" } else { "went" };
    screen.line(&format!("{} {word}: {}", plural(entries, "entry", "entries"), span(prunable)));
}
