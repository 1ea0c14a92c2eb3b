//! The composition root: the only place that makes the `Minter`, and where store, keys, access and engine meet.
//!
//! The minter goes to exactly two places: access, and the store's recovery. Here also lies the first start: it is safe
//! against a crash at every line and against a second first start beside it.

use crate::problem::exit::Exit;
use crate::problem::{Problem, internal};
use crate::profile::file::Profile;
use crate::profile::{Selected, folder, user};
use crate::view::screen::Screen;
use dvt_access::embedded::Embedded;
use dvt_engine::Parts;
use dvt_keys::{Error as KeyError, RootKey};
use dvt_model::action::Role;
use dvt_model::code::Code;
use dvt_model::context::OpContext;
use dvt_model::id::{RequestId, TenantId};
use dvt_model::scope::Minter;
use dvt_store::port::error::Error as StoreError;
use dvt_store::port::operation::Member;
use dvt_store::{Clock, Options, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything a command works with.
pub(crate) struct Composition {
    pub(crate) profile: Profile,
    pub(crate) store: Store,
    pub(crate) access: Arc<Embedded>,
    pub(crate) context: OpContext,
    /// What the engine is made of, where a command needs it.
    pub(crate) parts: Parts,
}

/// Opens the installation of this OS user, makes it at the first start, and authenticates.
pub(crate) async fn compose(selected: &Selected, screen: &Screen) -> Result<Composition, Problem> {
    let minter = the_minter()?;
    let clock: Clock = Arc::new(crate::clock::now);
    selected.folders.ensure()?;
    internal::log_to(selected.folders.data.join("internal.log"));

    let opened = match selected.read()? {
        Some(profile) => {
            let key = load_key(selected)?;
            (profile, open_store(selected, key, &minter, &clock)?)
        }
        None => first_start(selected, &minter, &clock, screen).await?,
    };
    let (profile, store) = opened;
    let access = Arc::new(Embedded::new(store.clone(), Arc::clone(&minter), Arc::clone(&clock)));
    let request = RequestId::at(clock(), dvt_keys::entropy::random());
    let context = access.authenticate(profile.scope(), request).await?;
    keep_public_keys(selected, &store, profile.tenant_id).await?;
    let parts = Parts {
        store: store.clone(),
        folder: selected.folders.data.clone(),
        worker: PathBuf::from("/proc/self/exe"),
        clock,
        door: Arc::clone(&access) as Arc<dyn dvt_engine::Door>,
        idle: dvt_engine::IDLE,
        patience: dvt_engine::PATIENCE,
        surroundings: dvt_engine::Surroundings {
            steady: Arc::new(crate::clock::steady),
            every: dvt_engine::LOOK_EVERY,
        },
        // Embedded is single-tenant, and its one member is its owner.
        two_persons: dvt_engine::TwoPersons::Waived,
    };
    Ok(Composition { profile, store, access, context, parts })
}

/// Opens the installation, works in it and closes it: the keeping of public keys and the close happen however the work ended, and
/// what it refused is told before what they did.
pub(crate) async fn within(
    selected: &Selected,
    screen: &mut Screen,
    work: impl AsyncFnOnce(&Composition, &mut Screen) -> Result<Exit, Problem>,
) -> Result<Exit, Problem> {
    let composition = compose(selected, screen).await?;
    let done = work(&composition, screen).await;
    let kept = keep_public_keys(selected, &composition.store, composition.profile.tenant_id).await;
    let closed = composition.store.close().await;
    let exit = done?;
    kept?;
    closed?;
    Ok(exit)
}

fn the_minter() -> Result<Arc<Minter>, Problem> {
    Minter::for_composition_root().map(Arc::new).ok_or_else(|| Problem::new(Code::Internal, "composed twice"))
}

/// Opens the store alone, for a command that looks whether that works and does nothing in it.
pub(crate) fn store_alone(selected: &Selected, key: RootKey) -> Result<Store, Problem> {
    let clock: Clock = Arc::new(crate::clock::now);
    open_store(selected, key, &the_minter()?, &clock)
}

/// Keeps the public keys of the ledger beside the profile: a checkpoint key that was replaced is joined by the next one.
pub(crate) async fn keep_public_keys(
    selected: &Selected,
    store: &Store,
    tenant: TenantId,
) -> Result<(), Problem> {
    let keys = store.verifier_keys(tenant).await?;
    let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
    let path = selected.keys_path();
    if folder::read(&path)?.is_some_and(|kept| kept == lines) {
        return Ok(());
    }
    folder::write(&path, &lines)
}

fn open_store(
    selected: &Selected,
    key: RootKey,
    minter: &Arc<Minter>,
    clock: &Clock,
) -> Result<Store, Problem> {
    let folder = selected.folders.data.clone();
    let options = Options { folder, vfs: None, clock: Arc::clone(clock), minter: Arc::clone(minter) };
    // Beside the data folder, so that copying that back does not take the memory of what was signed with it.
    Store::open_known(options, key, Some(selected.folders.checkpoints())).map_err(|error| match error {
        // What is opened first is the platform's own key: the one that was given is another one.
        StoreError::Decrypt => Problem::new(
            Code::KeyUnavailable,
            format!("the key `{}` does not open this data folder", selected.folders.key().display()),
        )
        .why("it is the key of another installation, or the data folder is")
        .fix(format!("put the key file of this installation to {}", folder::shown(&selected.folders.key()))),
        other => other.into(),
    })
}

/// The key of this installation; it is put back from elsewhere where it is missing.
pub(crate) fn load_key(selected: &Selected) -> Result<RootKey, Problem> {
    let path = selected.folders.key();
    RootKey::load(&path).map_err(|error| unusable_key(&path, "used", &error))
}

/// A key that cannot be used or made: what is open to others is closed by one command, and what is gone is put back.
pub(crate) fn unusable_key(path: &Path, verb: &str, error: &KeyError) -> Problem {
    let (reason, close) = match error {
        KeyError::RootFile { reason, close, .. } => (reason.clone(), close.as_ref()),
        other => (other.to_string(), None),
    };
    let message = format!("the key `{}` cannot be {verb}: {reason}", path.display());
    let problem = Problem::new(Code::KeyUnavailable, message);
    match close {
        Some((what, mode)) => problem
            .why("who could read it once may have kept it, and everything in the data folder is sealed under it")
            .fix(format!("chmod {mode:o} {}", folder::pasted(what))),
        None if verb == "made" => problem,
        None => problem
            .why("everything in the data folder is sealed under it; without it nothing can be read")
            .fix("put the key file back from your backup"),
    }
}

/// Makes key, store, tenant and profile, in this order, and tells it in two lines.
///
/// If we crash after the key, the next start finds and uses it; after the tenant, that tenant has no profile, nobody can
/// name it, and the next start draws another; the profile is the last file and comes by rename, so it is whole or absent.
async fn first_start(
    selected: &Selected,
    minter: &Arc<Minter>,
    clock: &Clock,
    screen: &Screen,
) -> Result<(Profile, Store), Problem> {
    let folders = &selected.folders;
    let lock = folder::lock(folders)?;
    // Another first start may have been quicker.
    if let Some(profile) = selected.read()? {
        return Ok((profile, open_store(selected, load_key(selected)?, minter, clock)?));
    }
    let key_path = folders.key();
    let is_new_installation = !key_path.exists();
    if is_new_installation && folders.data.join("control.db").exists() {
        return Err(Problem::new(Code::KeyUnavailable, format!("`{}` is missing", key_path.display()))
            .why(format!("`{}` holds runs that are sealed under it", folders.data.display()))
            .fix("put the key file back from your backup, or choose another folder with DVT_HOME"));
    }
    let key = if is_new_installation {
        RootKey::create(&key_path).map_err(|error| unusable_key(&key_path, "made", &error))?
    } else {
        load_key(selected)?
    };
    let store = open_store(selected, key, minter, clock)?;
    let profile = Profile::draw();
    let member = Member {
        principal_id: profile.principal_id,
        name: user::name(),
        os_uid: rustix::process::geteuid().as_raw(),
        roles: vec![Role::TenantAdmin],
    };
    store.create_tenant(profile.scope(), member).await?;
    if let Some(parent) = selected.path().parent() {
        folder::make(parent)?;
    }
    keep_public_keys(selected, &store, profile.tenant_id).await?;
    profile.write(&selected.path())?;
    drop(lock);

    let config = folder::shown(&key_path);
    let show = format!("Tenant `{}`, user `{}`. Change: dvt config show", profile.name, user::name());
    if is_new_installation {
        let data = folder::shown(&folders.data);
        screen
            .tell(&format!("DVT keeps your runs in {data} (encrypted; key {config}, only you can read it)."));
        screen.tell(&show);
    } else {
        screen.tell(&format!(
            "Made the profile `{}`: a tenant of its own on this machine (key {config}).",
            selected.name
        ));
        screen.tell(&format!("{show} --profile {}", selected.name));
    }
    Ok((profile, store))
}
