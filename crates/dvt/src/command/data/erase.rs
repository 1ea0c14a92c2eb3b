//! `dvt data erase`: destroys the keys of what a run or a person left. What will go is shown first.

use super::{confirmed, draft, keeping, named, reason, shown};
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

/// Whose data is erased. A whole tenant is not: that is the platform's to do (contract 8.3, TENANT_ERASE).
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// A run: an id, its first six or more digits, its plan's name, or `@latest`.
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// A person: what a plan's `subject` names, or a principal's id.
    #[arg(long, value_name = "TEXT")]
    person: Option<String>,
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
    let Whose { run, person } = &arguments.whose;
    let Composition { access, context, .. } = composition;
    let (target, proof) = match named((run.as_ref(), person.as_ref()), composition, ROUTE).await? {
        Some(Target::Run(run)) => (Target::Run(run), Proof::Run(access.run(context, run, ROUTE).await?)),
        Some(Target::Person(person)) => {
            (Target::Person(person), Proof::Tenant(access.tenant(context, ROUTE).await?))
        }
        Some(Target::Tenant) | None => {
            return Err(Problem::usage("it is not said whose data").fix("name a run or --person"));
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
