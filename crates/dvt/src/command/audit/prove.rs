//! `dvt audit prove`: one entry as a file that proves itself to whoever has the public key; `dvt audit verify --proof` checks it.

use crate::compose::Composition;
use crate::files;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::view::screen::Screen;
use clap::Args;
use dvt_access::reading::Reading;
use dvt_ledger::tlog_proof::TlogProof;
use dvt_model::code::Code;
use dvt_model::id::EntryId;
use dvt_model::proof::{AuditExport, Authorized};
use dvt_model::resource::Ledger;
use dvt_store::port::ledger::{Sight, Which};
use dvt_store::port::transaction::Kind;
use serde_json::json;
use std::path::PathBuf;

const ROUTE: &str = "dvt audit prove";

/// Prove one entry by itself: entry, place in the tree and signed checkpoint.
///
/// Example:
///   dvt audit prove 0
///   dvt audit prove 12 --file entry-12.tlog-proof
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The entry: its index, or its id (`ent_…`).
    #[arg(value_name = "INDEX|ENTRY")]
    entry: String,
    /// Where the proof goes; without it, standard output.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Does it.
pub(crate) async fn run(
    arguments: &Arguments,
    composition: &Composition,
    screen: &mut Screen,
) -> Result<Exit, Problem> {
    let which = match arguments.entry.parse::<u64>() {
        Ok(index) => Which::Index(index),
        Err(_) => Which::Entry(EntryId::parse(&arguments.entry)?),
    };
    let proof: Authorized<Ledger, AuditExport> =
        composition.access.ledger(&composition.context, ROUTE).await?;
    let transaction = composition.store.begin(proof.scope(), Kind::Act)?;
    let exported = transaction.prove_entry(&Sight::export(&proof), which).await?;
    let Some(entry) = exported.entries.into_iter().next() else {
        return Err(if exported.unsealed > 0 {
            Problem::new(Code::NotFound, format!("`{}` is not sealed yet", arguments.entry))
                .why("a proof needs a signed checkpoint over the entry; one is made within a second")
                .fix(format!("dvt audit prove {}", arguments.entry))
        } else {
            Problem::new(Code::NotFound, format!("the ledger has no entry `{}`", arguments.entry))
                .fix("dvt audit show    shows what is there")
        });
    };
    let file = TlogProof {
        index: entry.index,
        leaf_salt: entry.leaf_salt,
        envelope: entry.envelope,
        path: entry.path,
        note: exported.note,
    };
    let question = json!({ "entries": 1, "first": file.index, "last": file.index });
    composition.access.entered_reading(&proof, Reading::Export, question, ROUTE).await?;
    match &arguments.file {
        None => screen.out(&file.to_string()),
        Some(path) => {
            files::write_new(path, &file.to_string())?;
            screen.note(&format!(
                "entry {} of {}, {} hashes: {}   check it: dvt audit verify --proof {}",
                file.index,
                exported.size,
                file.path.len(),
                path.display(),
                path.display()
            ));
        }
    }
    Ok(Exit::Completed)
}
