//! `dvt data erase`: destroys the keys of what a run or a person left. What will go is shown first.

use super::{Whose, confirmed, draft, keeping, reason, shown};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_model::decision::Operation;
use dvt_model::proof::{Authorized, DataErase};
use dvt_model::resource::{Run, Tenant};
use dvt_store::port::transaction::Kind;
use dvt_store::{Erased, Target};
use serde_json::json;

/// Erase what a run or a person left, by destroying its keys.
///
/// Example:
///   dvt data erase @latest --yes -m "asked for by the customer"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: Whose,
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

const ROUTE: &str = "dvt data erase";

enum Proof {
    Run(Authorized<Run, DataErase>),
    Tenant(Authorized<Tenant, DataErase>),
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let target = arguments.whose.target(composition, ROUTE).await?;
    let Composition { access, context, .. } = composition;
    let proof = match &target {
        Target::Run(run) => Proof::Run(access.run(context, *run, ROUTE).await?),
        Target::Person(_) => Proof::Tenant(access.tenant(context, ROUTE).await?),
        Target::Tenant => {
            return Err(
                Problem::usage("a whole tenant is not erased by this command").fix("name a run or --person")
            );
        }
    };
    let transaction = composition.store.begin(context.scope(), Kind::Act)?;
    if transaction.is_held(&target).await? {
        return Err(Problem::new(
            Code::LegalHoldActive,
            format!("a legal hold keeps {}", safe(&shown(&target))),
        )
        .fix("dvt data hold list"));
    }
    let would = transaction.would_erase(&target).await?;
    if arguments.dry_run {
        show("would end", &would, screen);
        return Ok(Exit::Completed);
    }
    if screen.for_people() {
        screen.note(&format!(
            "{}: {} for good; entries and proofs stay",
            safe(&shown(&target)),
            plural(
                would.keys + would.waiting,
                "key and what lies under it ends",
                "keys and what lies under them end"
            )
        ));
    }
    let why = reason(arguments.message.as_ref(), "an erasure", screen)?;
    confirmed(arguments.yes, screen)?;
    let draft = draft(Operation::DataErasure, why);
    let keeping = keeping(composition);
    let erased = match &proof {
        Proof::Run(proof) => keeping.erase(proof, &access.record(proof, draft)?, target).await?,
        Proof::Tenant(proof) => keeping.erase(proof, &access.record(proof, draft)?, target).await?,
    };
    show("ended", &erased, screen);
    Ok(Exit::Completed)
}

fn show(what: &str, erased: &Erased, screen: &mut Screen) {
    if !screen.for_people() {
        screen.json(&json!({
            "keys": erased.keys,
            "waiting": erased.waiting,
            "held": erased.held,
            "keptByLaw": erased.kept_by_law,
        }));
        return;
    }
    screen.line(&format!("{} {what}", plural(erased.keys, "key", "keys")));
    for (count, text) in [
        (erased.waiting, "at the end of the run that still needs them"),
        (erased.held, "kept by a legal hold"),
        (erased.kept_by_law, "kept by law until their years are over"),
    ] {
        if count > 0 {
            screen.line(&format!("{} {text}", plural(count, "key", "keys")));
        }
    }
}
