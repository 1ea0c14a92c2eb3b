//! `dvt data hold place|release|list`: what may neither be erased nor end by its age.

use super::would::{self, Takes};
use super::{draft, keeping, named, shown};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use crate::view::table;
use clap::{Args, Subcommand};
use dvt_model::action::Action;
use dvt_model::code::Code;
use dvt_model::decision::Operation;
use dvt_model::id::DecisionId;
use dvt_model::proof::{AuditRead, Authorized, LegalHoldSet, RunReadStatus};
use dvt_model::resource::{Ledger, Resource, Run, Tenant};
use dvt_store::port::transaction::Kind;
use dvt_store::{Hold, Target, WouldHold};
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
///   dvt data hold place @latest --dry-run
///   dvt data hold place @latest -m "case 7"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Place {
    #[command(flatten)]
    whose: Whose,
    /// Why; it stands in the ledger.
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    message: Option<String>,
    /// Only show what it would hold.
    #[arg(long)]
    dry_run: bool,
}

/// Whose data is held.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// A run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// A person: what a plan's `subject` names, or a principal's id.
    #[arg(long, value_name = "TEXT")]
    person: Option<String>,
    /// Everything of this tenant.
    #[arg(long)]
    tenant: bool,
}

impl Whose {
    async fn target(&self, composition: &Composition, route: &str) -> Result<Target, Problem> {
        let named = named((self.run.as_ref(), self.person.as_ref()), composition, route).await?;
        Ok(named.unwrap_or(Target::Tenant))
    }
}

/// Release a hold by its id, or the newest one that stands.
///
/// Example:
///   dvt data hold release @latest --dry-run
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
    /// Only show what would be free then.
    #[arg(long)]
    dry_run: bool,
}

const TAKES: Takes = Takes { right: Action::LegalHoldSet, record: Some(Operation::LegalHoldChange) };

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
    match arguments.whose.target(composition, ROUTE).await? {
        Target::Run(run) => {
            if arguments.dry_run && !access.may(context, Action::LegalHoldSet) {
                // What may not be seen is not there, as for the act itself; only then it counts who may hold it.
                let _seen: Authorized<Run, RunReadStatus> = access.run(context, run, ROUTE).await?;
                would::may::<LegalHoldSet>(composition)?;
            }
            let proof: Authorized<Run, LegalHoldSet> = access.run(context, run, ROUTE).await?;
            place_by(&proof, Target::Run(run), arguments, composition, screen).await
        }
        target => {
            let proof: Authorized<Tenant, LegalHoldSet> =
                would::tenant_proof(composition, ROUTE, arguments.dry_run).await?;
            place_by(&proof, target, arguments, composition, screen).await
        }
    }
}

async fn place_by<R: Resource>(
    proof: &Authorized<R, LegalHoldSet>,
    target: Target,
    arguments: &Place,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let why = would::reason(arguments.message.as_ref(), arguments.dry_run, "a hold", screen)?;
    let record = composition.access.record(proof, draft(Operation::LegalHoldChange, why))?;
    let keeping = keeping(composition);
    if arguments.dry_run {
        let would = keeping.would_hold(proof, &record, &target).await?;
        return Ok(foreseen(&target, &would, screen));
    }
    let hold = keeping.hold(proof, &record, target).await?;
    if screen.for_people() {
        screen.line(&format!("{hold} stands"));
    } else {
        screen.json(&json!({ "holdId": hold }));
    }
    Ok(Exit::Completed)
}

/// `--dry-run` of a hold: what it would stand over.
fn foreseen(target: &Target, would: &WouldHold, screen: &mut Screen) -> Exit {
    let until = "until it is released";
    let mut lines = vec![match would.keys {
        None => format!("keeps everything that is there and that comes, {until}"),
        Some(0) => format!("nothing is there that it would keep; what comes is kept {until}"),
        Some(keys) => {
            let under = if keys == 1 { "it" } else { "them" };
            format!("keeps {} and what lies under {under}, {until}", plural(keys, "key", "keys"))
        }
    }];
    if would.is_held {
        lines.push("a hold stands over it already; this one would stand beside it".to_owned());
    }
    let data = json!({
        "covers": would.covers, "subject": would.subject, "keys": would.keys, "heldAlready": would.is_held,
    });
    would::show(&format!("{} would be held", safe(&shown(target))), &lines, data, TAKES, screen)
}

async fn release(
    arguments: &Release,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    const ROUTE: &str = "dvt data hold release";
    let dry_run = arguments.dry_run;
    let proof: Authorized<Tenant, LegalHoldSet> = would::tenant_proof(composition, ROUTE, dry_run).await?;
    let holds = composition.store.begin(proof.scope(), Kind::Act)?.holds().await?;
    let named = match arguments.hold.as_str() {
        "@latest" => None,
        text => Some(DecisionId::parse(text)?),
    };
    let standing = |hold: &&Hold| hold.released_at.is_none() && named.is_none_or(|id| id == hold.hold_id);
    let Some(hold) = holds.iter().find(standing) else {
        return Err(Problem::new(Code::NotFound, "no such hold stands").fix("dvt data hold list"));
    };
    let why = would::reason(arguments.message.as_ref(), dry_run, "the release of a hold", screen)?;
    let record = composition.access.record(&proof, draft(Operation::LegalHoldChange, why))?;
    let keeping = keeping(composition);
    if dry_run {
        keeping.would_release(&proof, &record, (hold.hold_id, hold.row_version)).await?;
        return Ok(freed(hold, &holds, screen));
    }
    keeping.release(&proof, &record, (hold.hold_id, hold.row_version)).await?;
    if screen.for_people() {
        screen.line(&format!("{} is released", hold.hold_id));
    } else {
        screen.json(&json!({ "holdId": hold.hold_id, "released": true }));
    }
    Ok(Exit::Completed)
}

/// `--dry-run` of a release: what it frees, and what holds that still.
fn freed(hold: &Hold, holds: &[Hold], screen: &mut Screen) -> Exit {
    let covers_it = |other: &&Hold| {
        let is_same = (&other.covers, &other.subject) == (&hold.covers, &hold.subject);
        other.hold_id != hold.hold_id && other.released_at.is_none() && (other.covers == "tenant" || is_same)
    };
    let others: Vec<DecisionId> = holds.iter().filter(covers_it).map(|other| other.hold_id).collect();
    let (covers, subject) = (safe(&hold.covers), safe(&hold.subject));
    let mut lines = vec![format!("it stands over {covers} {subject} since {}", hold.placed_at)];
    if others.is_empty() {
        lines.push("what its clock has ended goes with the next sweep, for good".to_owned());
    } else {
        let names: Vec<String> = others.iter().map(ToString::to_string).collect();
        lines.push(format!("held still by {}", names.join(", ")));
    }
    let data = json!({
        "holdId": hold.hold_id, "covers": hold.covers, "subject": hold.subject, "placedAt": hold.placed_at,
        "heldStillBy": others,
    });
    would::show(&format!("{} would be released", hold.hold_id), &lines, data, TAKES, screen)
}
