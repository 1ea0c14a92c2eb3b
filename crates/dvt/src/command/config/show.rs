//! `dvt config show`: tenant, user, folders and the owner's word, with the file in which each can be changed.

use crate::compose::compose;
use crate::problem::Problem;
use crate::problem::exit::Exit;
use crate::profile::file::ProgramSteps;
use crate::profile::{Selected, folder, user};
use crate::view::screen::Screen;
use clap::Args;
use serde_json::json;

/// Show the profile in use: tenant, user, folders, what its owner allows, and which file says so.
///
/// Example:
///   dvt config show
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {}

/// Does it; as the first command of all it makes the profile.
pub(crate) async fn run(_: &Arguments, selected: &Selected, screen: &mut Screen) -> Result<Exit, Problem> {
    let profile = match selected.read()? {
        Some(profile) => profile,
        None => {
            let composition = compose(selected, screen).await?;
            composition.store.close().await?;
            composition.profile
        }
    };
    let folders = &selected.folders;
    if !screen.for_people() {
        screen.json(&json!({
            "profile": selected.name,
            "tenantName": profile.name,
            "tenantId": profile.tenant_id,
            "projectId": profile.project_id,
            "environmentId": profile.environment_id,
            "principalId": profile.principal_id,
            "user": user::name(),
            "programSteps": profile.program_steps,
            "profileFile": selected.path(),
            "keyFile": folders.key(),
            "ledgerKeysFile": selected.keys_path(),
            "ledgerFile": dvt_store::Store::ledger_path(&folders.data, profile.tenant_id),
            "dataFolder": folders.data,
        }));
        return Ok(Exit::Completed);
    }
    let steps = match profile.program_steps {
        Some(ProgramSteps::Host) => "host: every plan may start programs as you",
        None => "asked each time (--allow-host)",
    };
    let rows = [
        ("profile", format!("{}  ({})", selected.name, folder::shown(&selected.path()))),
        ("tenant", format!("{}  {}", profile.name, profile.tenant_id)),
        ("project", profile.project_id.to_string()),
        ("environment", profile.environment_id.to_string()),
        ("user", format!("{}  {}", user::name(), profile.principal_id)),
        ("programSteps", steps.to_owned()),
        ("key", folder::shown(&folders.key())),
        ("ledger keys", format!("{}  (public)", folder::shown(&selected.keys_path()))),
        ("data", folder::shown(&folders.data)),
    ];
    for (name, value) in rows {
        screen.line(&format!("{name:<13} {value}"));
    }
    screen.note(&format!(
        "Change: edit {}, or choose other folders with DVT_HOME.",
        folder::shown(&selected.path())
    ));
    Ok(Exit::Completed)
}
