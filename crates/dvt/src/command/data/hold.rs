//! `dvt data hold place|release|list`: what may neither be erased nor end by its age.

use super::{Whose, draft, keeping, reason};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use crate::view::table;
use clap::{Args, Subcommand};
use dvt_model::code::Code;
use dvt_model::decision::Operation;
use dvt_model::id::DecisionId;
use dvt_model::proof::{AuditRead, Authorized, LegalHoldSet};
use dvt_model::resource::{Ledger, Run, Tenant};
use dvt_store::port::transaction::Kind;
use dvt_store::{Hold, Target};
use serde_json::json;

/// Place, release and list legal holds.
///
/// Example:
///   dvt data hold list
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Command {
    List(List),
    Place(Place),
    Release(Release),
}

/// List the holds, those that stand first.
///
/// Example:
///   dvt data hold list
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct List {}

/// Hold data of a run, a person or the tenant, so that nothing ends it.
///
/// Example:
///   dvt data hold place @latest -m "case 7"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Place {
    #[command(flatten)]
    whose: Whose,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
}

/// Release a hold by its id, or the newest one that stands.
///
/// Example:
///   dvt data hold release @latest -m "case 7 has ended"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Release {
    /// The hold's id, or `@latest`.
    #[arg(value_name = "HOLD")]
    hold: String,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
}

/// Does it.
pub(crate) async fn run(
    command: Command,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    match command {
        Command::List(_) => list(composition, screen).await,
        Command::Place(arguments) => place(&arguments, composition, screen).await,
        Command::Release(arguments) => release(&arguments, composition, screen).await,
    }
}

async fn list(composition: &Composition, screen: &mut Screen) -> Result<Exit, Problem> {
    let read: Authorized<Ledger, AuditRead> =
        composition.access.ledger(&composition.context, "dvt data hold list").await?;
    let holds = composition.store.begin(read.scope(), Kind::Act)?.holds().await?;
    if !screen.for_people() {
        let data: Vec<_> = holds.iter().map(data).collect();
        screen.json(&json!({ "holds": data }));
    } else if holds.is_empty() {
        screen.note("no holds: dvt data hold place RUN -m \"…\"");
    } else {
        let rows: Vec<Vec<String>> = holds
            .iter()
            .map(|hold| {
                let until = hold.released_at.map_or_else(|| "stands".to_owned(), |at| at.to_string());
                let (id, since) = (hold.hold_id.to_string(), hold.placed_at.to_string());
                vec![id, hold.covers.clone(), hold.subject.clone(), since, until]
            })
            .collect();
        screen.out(&table::draw(&["HOLD", "COVERS", "WHAT", "PLACED", "RELEASED"], &rows));
    }
    Ok(Exit::Completed)
}

fn data(hold: &Hold) -> serde_json::Value {
    json!({
        "holdId": hold.hold_id,
        "covers": hold.covers,
        "subject": hold.subject,
        "placedAt": hold.placed_at,
        "releasedAt": hold.released_at,
        "rowVersion": hold.row_version,
    })
}

async fn place(arguments: &Place, composition: &Composition, screen: &mut Screen) -> Result<Exit, Problem> {
    const ROUTE: &str = "dvt data hold place";
    let Composition { access, context, .. } = composition;
    let target = arguments.whose.target(composition, ROUTE).await?;
    let why = || reason(arguments.message.as_ref(), "a hold", screen);
    let hold = match target {
        Target::Run(run) => {
            let proof: Authorized<Run, LegalHoldSet> = access.run(context, run, ROUTE).await?;
            let record = access.record(&proof, draft(Operation::LegalHoldChange, why()?))?;
            keeping(composition).hold(&proof, &record, target).await?
        }
        Target::Person(_) | Target::Tenant => {
            let proof: Authorized<Tenant, LegalHoldSet> = access.tenant(context, ROUTE).await?;
            let record = access.record(&proof, draft(Operation::LegalHoldChange, why()?))?;
            keeping(composition).hold(&proof, &record, target).await?
        }
    };
    if screen.for_people() {
        screen.line(&format!("{hold} stands"));
    } else {
        screen.json(&json!({ "holdId": hold }));
    }
    Ok(Exit::Completed)
}

async fn release(
    arguments: &Release,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    const ROUTE: &str = "dvt data hold release";
    let Composition { access, context, .. } = composition;
    let proof: Authorized<Tenant, LegalHoldSet> = access.tenant(context, ROUTE).await?;
    let holds = composition.store.begin(proof.scope(), Kind::Act)?.holds().await?;
    let named = match arguments.hold.as_str() {
        "@latest" => None,
        text => Some(DecisionId::parse(text)?),
    };
    let standing = |hold: &&Hold| hold.released_at.is_none() && named.is_none_or(|id| id == hold.hold_id);
    let Some(hold) = holds.iter().find(standing) else {
        return Err(Problem::new(Code::NotFound, "no such hold stands").fix("dvt data hold list"));
    };
    let why = reason(arguments.message.as_ref(), "the release of a hold", screen)?;
    let record = access.record(&proof, draft(Operation::LegalHoldChange, why))?;
    keeping(composition).release(&proof, &record, (hold.hold_id, hold.row_version)).await?;
    if screen.for_people() {
        screen.line(&format!("{} is released", hold.hold_id));
    } else {
        screen.json(&json!({ "holdId": hold.hold_id, "released": true }));
    }
    Ok(Exit::Completed)
}
