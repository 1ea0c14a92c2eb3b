//! `dvt store backup`: everything of this installation in one sealed file, taken while runs go on. The key file is not in it.
//!
//! It holds every tenant, so it takes the right to export in each of them, and each ledger tells that it left.

use crate::compose::Composition;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::{Selected, folder};
use crate::signals::Signals;
use crate::view::duration::plural;
use crate::view::progress::Progress;
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_access::reading::Reading;
use dvt_model::code::Code;
use dvt_model::proof::{AuditExport, Authorized};
use dvt_model::resource::Ledger;
use serde_json::json;
use std::path::PathBuf;
use std::pin::pin;

const ROUTE: &str = "dvt store backup";

/// Write everything that DVT keeps into one sealed file, beside running runs.
///
/// Example:
///   dvt store backup monday.backup
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The file to write; one that exists is never replaced.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Does it. That it was taken is an entry of each ledger, and is in the backup itself.
pub(crate) async fn run(
    arguments: &Arguments,
    selected: &Selected,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    // Listened for before anything is entered, so that what was is always told.
    let mut signals = Signals::listen()?;
    let proofs: Vec<Authorized<Ledger, AuditExport>> =
        composition.access.every_ledger(&composition.context, ROUTE).await?;
    let question = json!({ "backup": arguments.file.display().to_string() });
    for proof in &proofs {
        composition.access.entered_reading(proof, Reading::Export, question.clone(), ROUTE).await?;
    }
    let progress = Progress::begin(screen);
    let beside = selected.beside()?;
    let tally = progress.tally();
    let mut backing = pin!(composition.store.backup(&proofs, &arguments.file, beside, &tally));
    let taken = loop {
        tokio::select! {
            biased;
            taken = &mut backing => break taken,
            // It ends by itself and takes away what it had begun.
            _ = signals.next() => tally.give_up(),
        }
    };
    drop(progress);
    if taken.as_ref().is_err_and(|error| error.code() == Code::Cancelled) {
        screen.say("interrupted: no backup was kept; the ledgers keep that one was begun");
        return Ok(Exit::Cancelled);
    }
    let taken = taken?;
    let (file, key) = (folder::shown(&arguments.file), folder::shown(&selected.folders.key()));
    if screen.for_people() {
        let mebibytes = taken.bytes.div_ceil(1 << 20);
        let tenants = plural(taken.tenants, "tenant", "tenants");
        let files = plural(taken.files, "file", "files");
        let line = format!("{}: {tenants}, {files}, {mebibytes} MiB", safe(&file));
        screen.line(&format!("{line}, sealed and read back"));
        screen.note(&format!("it opens with the key {key} alone, which is not in it: keep that apart"));
    } else {
        screen.json(&json!({
            "file": arguments.file,
            "madeAt": taken.made_at,
            "tenants": taken.tenants,
            "files": taken.files,
            "bytes": taken.bytes,
        }));
    }
    Ok(Exit::Completed)
}
