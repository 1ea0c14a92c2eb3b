//! `dvt data sweep`: ends what its clock has ended, now instead of within a minute of the engine's time; or only shows it.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::{count, plural};
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::proof::{AuditRead, Authorized};
use dvt_model::resource::Ledger;
use dvt_store::Swept;
use dvt_store::port::transaction::Kind;
use serde_json::{Value, json};

/// End the data whose time is over, as a running engine does by itself every minute.
///
/// Example:
///   dvt data sweep --dry-run
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Only show what would end.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let read: Authorized<Ledger, AuditRead> =
        composition.access.ledger(&composition.context, "dvt data sweep").await?;
    let swept = if arguments.dry_run {
        composition.store.begin(read.scope(), Kind::Act)?.would_sweep().await?
    } else {
        composition.store.work_off(read.scope().tenant()).await?.swept
    };
    show(arguments.dry_run, &swept, screen);
    Ok(Exit::Completed)
}

fn show(dry_run: bool, swept: &Swept, screen: &mut Screen) {
    if !screen.for_people() {
        let mut all = data(swept);
        if let Some(members) = all.as_object_mut() {
            members.insert("dryRun".to_owned(), dry_run.into());
        }
        screen.json(&all);
        return;
    }
    let word = if dry_run { "would end" } else { "ended" };
    screen.line(&format!("{word}: {}", counts(swept)));
}

/// What ends, as data.
pub(super) fn data(swept: &Swept) -> Value {
    json!({
        "logs": swept.logs,
        "keys": swept.keys,
        "runs": swept.runs,
        "plans": swept.plans,
        "bundles": swept.bundles,
        "files": swept.files,
        "held": swept.held,
    })
}

/// What ends, in words.
pub(super) fn counts(swept: &Swept) -> String {
    let ends = [
        plural(swept.logs, "log", "logs"),
        plural(swept.keys, "key", "keys"),
        plural(swept.runs, "run", "runs"),
        plural(swept.plans, "plan", "plans"),
        plural(swept.bundles, "bundle", "bundles"),
        plural(swept.files, "file", "files"),
    ];
    format!("{}; {} held", ends.join(" · "), count(swept.held))
}
