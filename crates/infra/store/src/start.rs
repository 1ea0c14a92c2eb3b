//! The first moments: folders, control database, tenants that a crash left without a row, the platform tenant.
//!
//! One process at a time goes through here (a lock on `store.lock`), so that two first starts do not make two platforms.

use crate::control::Control;
use crate::port::error::Error;
use crate::seal::opener::Opener;
use crate::seal::rows;
use crate::sqlite::file::{self, Found, TENANT};
use crate::tenant::{self, Home, New};
use dvt_keys::RootKey;
use dvt_model::id::{EnvironmentId, ProjectId, TenantId};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

/// Opens what is shared by all tenants.
pub(crate) fn start(home: &Home, root: RootKey, minter: &Minter) -> Result<(Control, Arc<Opener>), Error> {
    file::private_folder(&home.folder)?;
    file::private_folder(&home.tenants())?;
    file::private_folder(&home.folder.join("blobs"))?;
    for folder in &home.known {
        file::private_folder(folder)?;
    }
    let _alone = alone(home)?;
    let control = Control::open(&home.folder, home.vfs.as_deref(), Arc::clone(&home.clock))?;
    adopt(home, &control)?;
    let platform = control.tenants()?.into_iter().find(|row| row.platform).map(|row| row.tenant);
    let keys = match platform {
        Some(platform) => {
            let looked = file::look(&home.file(platform), home.vfs.as_deref(), TENANT, Some(platform))?;
            let Found::Ours(looked) = looked else { return Err(Error::NotFound) };
            Opener::again(root, &looked.connection, platform, Arc::clone(&home.clock))?
        }
        None => found_platform(home, &control, root, minter)?,
    };
    Ok((control, Arc::new(keys)))
}

/// The lock of a start; it ends with the file.
fn alone(home: &Home) -> Result<File, Error> {
    let path = home.folder.join("store.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Error::io(&format!("open `{}`", path.display()), &error))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(|error| Error::io(&format!("lock `{}`", path.display()), &error.into()))?;
    Ok(file)
}

/// Enters files that are whole and that no row names: a crash fell between the two (contract 6.3).
///
/// A file that was never filled is passed over: nobody was ever told of it. A file that is not ours stops the start.
fn adopt(home: &Home, control: &Control) -> Result<(), Error> {
    let known = control.tenants()?;
    let folder = home.tenants();
    let io = |error: std::io::Error| Error::io(&format!("list `{}`", folder.display()), &error);
    for entry in std::fs::read_dir(&folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let is_file = path.extension().is_some_and(|extension| extension == "db");
        let Some(named) = stem.filter(|_| is_file).and_then(|stem| TenantId::parse_key(stem).ok()) else {
            continue;
        };
        if known.iter().any(|row| row.tenant == named) {
            continue;
        }
        let Found::Ours(looked) = file::look(&path, home.vfs.as_deref(), TENANT, Some(named))? else {
            continue;
        };
        let is_platform = rows::holds_audit_key(&looked.connection, named)?;
        control.enter(named, is_platform)?;
    }
    Ok(())
}

fn found_platform(home: &Home, control: &Control, root: RootKey, minter: &Minter) -> Result<Opener, Error> {
    let ids = ScopeIds {
        tenant_id: TenantId::from_random(crate::seal::random()),
        project_id: ProjectId::from_random(crate::seal::random()),
        environment_id: EnvironmentId::from_random(crate::seal::random()),
    };
    let (keys, audit) = Opener::first(root, ids.tenant_id, Arc::clone(&home.clock))?;
    let scope = TenantScope::mint(minter, ids);
    tenant::create(home, &keys, &New { ids, member: None, scope, more_keys: vec![audit] })?;
    // If we crash here, the next start adopts the platform's file by the audit key in it.
    control.enter(ids.tenant_id, true)?;
    Ok(keys)
}
