//! `dvt config check`: folders, key and every profile, looked at as a start would, and nothing made.
//!
//! A start stops at the first thing that is wrong; this goes on and tells all of them.

use crate::compose::unusable_key;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::file::Profile;
use crate::profile::{Selected, folder};
use crate::view::safe::safe;
use crate::view::screen::Screen;
use clap::Args;
use dvt_keys::RootKey;
use dvt_store::Store;
use serde_json::{Value, json};
use std::path::Path;

/// Check folders, key and profiles without making or changing anything.
///
/// Example:
///   dvt config check
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {}

/// What was looked at, and how it is.
type Looked = (String, Result<String, Problem>);

/// Does it; ends with 2 where a start would.
pub(crate) fn run(_: &Arguments, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let found = look(selected)?;
    let ok = found.iter().all(|(_, result)| result.is_ok());
    if screen.for_people() {
        let paint = screen.paint();
        for (name, result) in &found {
            match result {
                Ok(says) => screen.line(&format!("{} {name:<20} {}", paint.green("✓"), safe(says))),
                Err(problem) => {
                    screen.line(&format!("{} {name:<20} {}", paint.red("✗"), safe(&problem.message)));
                    for (label, text) in problem.told() {
                        screen.line(&format!("{:23}{label}: {}", "", safe(text)));
                    }
                }
            }
        }
    } else {
        let checked: Vec<Value> = found
            .iter()
            .map(|(name, result)| match result {
                Ok(says) => json!({ "name": name, "ok": true, "says": says }),
                Err(problem) => json!({ "name": name, "ok": false, "problem": problem.json() }),
            })
            .collect();
        screen.json(&json!({ "ok": ok, "checked": checked }));
    }
    Ok(if ok { Exit::Completed } else { Exit::Usage })
}

fn look(selected: &Selected) -> Result<Vec<Looked>, Problem> {
    let folders = &selected.folders;
    let mut found: Vec<Looked> = Vec::new();
    for (name, path) in [("config folder", &folders.config), ("data folder", &folders.data)] {
        let says = folder::look(path).map(|there| {
            let shown = folder::shown(path);
            if there { shown } else { format!("{shown} (not there yet; the first start makes it)") }
        });
        found.push((name.to_owned(), says));
    }
    let key = folders.key();
    if key.exists() || folders.data.join("control.db").exists() {
        found.push(("key".to_owned(), key_of(&key)));
    }
    let mut profiles = selected.profiles()?;
    if !profiles.iter().any(|(name, _)| *name == selected.name) {
        let says = format!("not there yet; the first command that needs `{}` makes it", selected.name);
        found.push((format!("profile {}", selected.name), Ok(says)));
    }
    profiles.sort();
    for (name, path) in profiles {
        found.push((format!("profile {name}"), profile(&path, &folders.data)));
    }
    Ok(found)
}

fn key_of(path: &Path) -> Result<String, Problem> {
    let shown = folder::shown(path);
    let loaded = RootKey::load(path).map_err(|error| unusable_key(path, "used", &error))?;
    drop(loaded);
    Ok(format!("{shown}, only you can read it"))
}

/// A profile, its tenant's ledger, and the public keys beside it.
fn profile(path: &Path, data: &Path) -> Result<String, Problem> {
    let Some(profile) = Profile::read(path)? else {
        return Err(Problem::config(format!("`{}` is no file", folder::shown(path))));
    };
    let ledger = Store::ledger_path(data, profile.tenant_id);
    if !ledger.exists() {
        return Err(Problem::config(format!("the ledger of its tenant `{}` is not there", profile.name))
            .why(format!("`{}` names a tenant that this data folder does not hold", folder::shown(path)))
            .fix("put the data folder back (dvt store restore), or remove the profile"));
    }
    let keys = path.with_extension("vkey");
    if folder::read(&keys)?.is_none() {
        return Err(Problem::config(format!("`{}` is missing", folder::shown(&keys)))
            .why("`dvt audit verify` reads the public keys of the ledger there")
            .fix("any command that opens the store writes it again: dvt runs list"));
    }
    Ok(format!("tenant `{}`, {}", profile.name, folder::shown(path)))
}
