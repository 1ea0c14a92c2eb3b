//! `dvt data rotate-keys`: replaces the keys of the tenant before their time. What will change is shown first.

use super::{confirmed, keeping};
use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::duration::plural;
use crate::view::screen::Screen;
use crate::view::table;
use clap::Args;
use dvt_model::proof::{Authorized, KeyRotate};
use dvt_model::resource::Tenant;
use dvt_store::port::transaction::Kind;
use dvt_store::{Age, ROTATED};
use serde_json::json;

/// Replace the keys of this tenant; DVT does it by itself before they are too old.
///
/// Example:
///   dvt data rotate-keys --yes
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Only show the keys in use and how long they may be.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let proof: Authorized<Tenant, KeyRotate> =
        composition.access.tenant(&composition.context, "dvt data rotate-keys").await?;
    let ages = async || composition.store.begin(proof.scope(), Kind::Act)?.key_ages().await;
    let before = ages().await?;
    if arguments.dry_run {
        show(&before, screen);
        return Ok(Exit::Completed);
    }
    if screen.for_people() {
        let keys = plural(before.len() as u64, "key is", "keys are");
        screen.note(&format!("{keys} replaced; what lies under them is sealed again"));
    }
    confirmed(arguments.yes, screen)?;
    keeping(composition).rotate(&proof, &ROTATED).await?;
    composition.store.work_off(proof.scope().tenant()).await?;
    show(&ages().await?, screen);
    Ok(Exit::Completed)
}

fn show(ages: &[Age], screen: &mut Screen) {
    if !screen.for_people() {
        let keys: Vec<_> = ages
            .iter()
            .map(|age| {
                json!({
                    "purpose": age.purpose.as_str(),
                    "keyId": age.in_use.key_id,
                    "epoch": age.in_use.epoch,
                    "since": age.in_use.since,
                    "until": age.until,
                    "rowsReserved": age.rows,
                })
            })
            .collect();
        screen.json(&json!({ "keys": keys }));
        return;
    }
    let rows: Vec<Vec<String>> = ages
        .iter()
        .map(|age| {
            let (since, until) = (age.in_use.since.to_string(), age.until.to_string());
            vec![age.purpose.as_str().to_owned(), age.in_use.epoch.to_string(), since, until]
        })
        .collect();
    screen.out(&table::draw(&["KEY", "NUMBER", "SINCE", "AT MOST UNTIL"], &rows));
}
