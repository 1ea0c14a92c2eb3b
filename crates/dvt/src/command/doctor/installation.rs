//! The installation: folders, profile, key, store, and whether an engine lives. It makes nothing: where there is no profile yet
//! it says so, and leaves the first start to the first run.

use super::finding::Finding;
use crate::compose::unusable_key;
use crate::problem::Problem;
use crate::profile::{Selected, folder};
use dvt_keys::RootKey;
use dvt_model::id::TenantId;
use dvt_store::Store;

/// Everything, in the order in which it is shown. What a broken part keeps from being looked at is left out.
pub(super) async fn findings(selected: &Selected) -> Vec<Finding> {
    let mut found = vec![version()];
    let profile = match selected.read() {
        Ok(Some(profile)) => profile,
        Ok(None) => {
            found.push(Finding::lacking(
                "profile",
                format!("there is no profile `{}` yet", selected.name),
                "dvt run examples/orders-etl/plan.yaml --allow-host   makes one",
            ));
            return found;
        }
        Err(problem) => {
            found.push(broken("profile", &problem));
            return found;
        }
    };
    found.push(Finding::well("profile", format!("{} ({})", profile.name, folder::shown(&selected.path()))));
    if let Err(problem) = selected.folders.ensure() {
        found.push(broken("folders", &problem));
        return found;
    }
    found.push(room(selected));
    let path = selected.folders.key();
    let key = match RootKey::load(&path) {
        Ok(key) => key,
        Err(error) => {
            found.push(broken("key", &unusable_key(&path, "used", &error)));
            return found;
        }
    };
    found.push(Finding::well("key", format!("{}, only you can read it", folder::shown(&path))));
    match crate::compose::store_alone(selected, key) {
        Ok(store) => {
            match store.verifier_keys(profile.tenant_id).await {
                Ok(_) => found.push(Finding::well("store", "opens; dvt audit verify looks at every entry")),
                Err(error) => found.push(broken("store", &Problem::from(error))),
            }
            found.push(processes(&store, selected, profile.tenant_id));
            if let Err(error) = store.close().await {
                found.push(broken("store", &Problem::from(error)));
            }
        }
        Err(problem) => found.push(broken("store", &problem)),
    }
    found
}

fn broken(name: &'static str, problem: &Problem) -> Finding {
    let todo = problem.told().find(|(label, _)| *label == "fix").map(|(_, text)| text.to_owned());
    let todo = todo.unwrap_or_else(|| format!("dvt explain {}", problem.code));
    Finding::broken(name, problem.message.clone(), todo)
}

fn version() -> Finding {
    Finding::well("dvt", format!("version {}", env!("CARGO_PKG_VERSION")))
}

fn processes(store: &Store, selected: &Selected, tenant: TenantId) -> Finding {
    // Contract 6.3: an auditor is to know that nothing separates these duties here.
    let duties = "engine, sealer and keeper are one process, with all keys of this installation";
    let modes = dvt_engine::degraded(store, &selected.folders.data, tenant);
    if !modes.is_empty() {
        let modes: Vec<String> =
            modes.iter().map(|degraded| format!("{} since {}", degraded.mode, degraded.since)).collect();
        return Finding::lacking(
            "engine",
            format!("one lives, in a degraded mode: {}", modes.join(", ")),
            "dvt audit show --type INCIDENT   tells when; dvt explain SERVICE_DEGRADED   what it means",
        );
    }
    if dvt_engine::engine_is_live(store) {
        Finding::well("engine", format!("one lives; {duties}"))
    } else {
        Finding::well("engine", format!("none lives, the next command that needs one becomes it; {duties}"))
    }
}

fn room(selected: &Selected) -> Finding {
    const LEAST_MIB: u64 = 256;
    let data = folder::shown(&selected.folders.data);
    match rustix::fs::statvfs(&selected.folders.data) {
        Ok(volume) => {
            let mebibytes = volume.f_bavail.saturating_mul(volume.f_frsize) >> 20;
            if mebibytes < LEAST_MIB {
                let says = format!("{data} has {mebibytes} MiB left");
                Finding::broken("folders", says, "make room: a full disk refuses every change")
            } else {
                Finding::well("folders", format!("{data}, {mebibytes} MiB left"))
            }
        }
        Err(error) => Finding::broken(
            "folders",
            format!("{data} cannot be looked at: {}", crate::files::reason(&error.into())),
            "choose another folder with DVT_HOME",
        ),
    }
}
