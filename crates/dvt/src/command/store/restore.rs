//! `dvt store restore`: puts a backup back where there is no store, all of it or nothing.
//!
//! The key file comes first and from elsewhere: it is in no backup. What lies in the configuration folder already stays as it is.

use crate::compose;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::{Selected, folder};
use crate::view::duration::plural;
use crate::view::screen::Screen;
use clap::Args;
use dvt_model::code::Code;
use dvt_store::backup::{Restored, restore, would_restore};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Put a backup back into an empty data folder.
///
/// Example:
///   dvt store restore monday.backup --dry-run
///   dvt store restore monday.backup
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The file that `dvt store backup` wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take it although newer entries are known to have been signed: they are lost.
    #[arg(long)]
    accept_loss: bool,
    /// Only look whether it can be put back, and show what would be there: all of it is unpacked for that, and removed again.
    #[arg(long)]
    dry_run: bool,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let folders = &selected.folders;
    folder::make_or_look(&folders.config, arguments.dry_run)?;
    let key = compose::load_key(selected)?;
    let known = [folders.checkpoints()];
    let clock: dvt_store::Clock = Arc::new(crate::clock::now);
    let act = if arguments.dry_run { would_restore } else { restore };
    let restored = act(&arguments.file, &folders.data, key, &known, arguments.accept_loss, clock);
    let restored = restored.map_err(|error| explained(Problem::from(error), arguments, selected))?;
    let kept = selected.put_beside(&restored.beside, arguments.dry_run)?;
    show(&restored, &kept, arguments.dry_run, selected, screen);
    Ok(Exit::Completed)
}

fn explained(problem: Problem, arguments: &Arguments, selected: &Selected) -> Problem {
    let file = folder::shown(&arguments.file);
    match problem.code {
        Code::LedgerIntegrityFailed if problem.message.contains("class 24") => problem
            .why("an older copy would hide what was entered since, erasures among it")
            .fix(format!(
                "look for a newer backup\ndvt store restore {file} --accept-loss    loses what followed and keeps the checkpoint as evidence"
            )),
        Code::LedgerIntegrityFailed => {
            problem.why("a backup is put back whole or not at all; nothing was changed").fix("use another copy of it")
        }
        Code::KeyUnavailable => problem.fix(format!(
            "put the key file of that installation to {}",
            folder::shown(&selected.folders.key())
        )),
        Code::ConfigInvalid if problem.message.contains("not empty") => {
            problem.fix("move that folder away, or choose another one with DVT_HOME")
        }
        _ => problem,
    }
}

fn show(restored: &Restored, kept: &[String], dry_run: bool, selected: &Selected, screen: &mut Screen) {
    if !screen.for_people() {
        let older = restored.older.iter().map(|older| {
            json!({ "tenantId": older.tenant, "known": older.known, "held": older.held, "evidence": older.path })
        });
        let older: Vec<_> = older.collect();
        let mut all = json!({
            "madeAt": restored.made_at,
            "tenants": restored.tenants,
            "files": restored.files,
            "bytes": restored.bytes,
            "older": older,
            "keptAsTheyWere": kept,
        });
        if let Some(members) = all.as_object_mut().filter(|_| dry_run) {
            members.insert("dryRun".to_owned(), true.into());
        }
        screen.json(&all);
        return;
    }
    let data = folder::shown(&selected.folders.data);
    let holds = if dry_run { " would hold" } else { ":" };
    screen.line(&format!(
        "{data}{holds} {}, {}, as of {}",
        plural(restored.tenants, "tenant", "tenants"),
        plural(restored.files, "file", "files"),
        restored.made_at
    ));
    let (are, lies) = if dry_run { ("would be", "would lie") } else { ("are", "lies") };
    for older in &restored.older {
        screen.note(&format!(
            "tenant {}: entries from {} to {} {are} lost; the proof that they were {lies} in {}",
            older.tenant,
            older.held,
            older.known,
            folder::shown(&older.path)
        ));
    }
    if !restored.older.is_empty() {
        let is = if dry_run { "would be" } else { "is" };
        screen.note(&format!(
            "what was erased since the backup {is} there again: erase it again (dvt data erase)"
        ));
    }
    for name in kept {
        screen.note(&format!("`{name}` was there already and is another one: it stays as it is"));
    }
    let last = "dvt store check    looks at everything";
    screen.note(if dry_run { "it opens with the key that is here, and its files are whole" } else { last });
}
