//! A tenant's open file: its committer, its lanes, its keys. And how such a file comes to be.
//!
//! INVARIANT(INV-08): a [`Tenant`] is opened under one tenant's id and the file's header must name the same; every statement
//! binds that id besides.

use crate::Clock;
use crate::blob::log;
use crate::commit::group::{self, Group};
use crate::commit::turns::Turns;
use crate::commit::writer::{Place, Writer};
use crate::commit::{Committer, index, prepare};
use crate::known;
use crate::port::error::Error;
use crate::port::operation::{BlockDraft, EntryDraft, Member};
use crate::seal::document::{self, Cell};
use crate::seal::keyring::{Keyring, reserve_in};
use crate::seal::opener::Opener;
use crate::seal::plans::SealedPlans;
use crate::seal::rows;
use crate::sealer::Sealing;
use crate::sqlite::file::{self, Found, TENANT, refused};
use crate::sqlite::lanes::Lanes;
use crate::sqlite::{Sql, column};
use dvt_keys::WrappedKey;
use dvt_model::action::{Action, Role};
use dvt_model::code::Code;
use dvt_model::context::PrincipalType;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, SourceModule};
use dvt_model::id::{EntryId, EnvironmentId, LedgerId, PrincipalId, ProjectId, RequestId, TenantId};
use dvt_model::resource::ResourceRef;
use dvt_model::scope::{Minter, Root, ScopeIds, TenantScope};
use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What sealing needs to know of a tenant.
pub(crate) struct Ground {
    pub(crate) id: TenantId,
    pub(crate) path: PathBuf,
    pub(crate) vfs: Option<String>,
    pub(crate) ledger: LedgerId,
    pub(crate) root: Root,
    /// The tenant's root as a scope, for what its own machinery enters.
    pub(crate) system: TenantScope,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) blobs: PathBuf,
    pub(crate) known: Vec<PathBuf>,
    pub(crate) clock: Clock,
}

/// An open tenant.
pub(crate) struct Tenant {
    ground: Ground,
    pub(crate) opener: Arc<Opener>,
    pub(crate) lanes: Lanes,
    pub(crate) committer: Committer,
    pub(crate) sealing: tokio::sync::Mutex<Option<Sealing>>,
    pub(crate) plans: SealedPlans,
    logs: Mutex<BTreeMap<log::Key, log::Writer>>,
    wrote: AtomicBool,
}

impl Deref for Tenant {
    type Target = Ground;
    fn deref(&self) -> &Ground {
        &self.ground
    }
}

/// Where a tenant's things lie.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    /// Where the newest checkpoints are kept outside the databases.
    pub(crate) known: Vec<PathBuf>,
    pub(crate) vfs: Option<String>,
    pub(crate) clock: Clock,
    /// The line in which the committers of all tenants stand.
    pub(crate) turns: Arc<Turns>,
}

impl Home {
    pub(crate) fn file(&self, tenant: TenantId) -> PathBuf {
        self.tenants().join(format!("{}.db", tenant.key()))
    }

    pub(crate) fn tenants(&self) -> PathBuf {
        self.folder.join("tenants")
    }

    pub(crate) fn blobs(&self, tenant: TenantId) -> PathBuf {
        self.folder.join("blobs").join(tenant.key())
    }
}

/// The header row of an open file.
pub(crate) struct Header {
    pub(crate) tenant: TenantId,
    pub(crate) root: Root,
}

/// Reads the header; another tenant's file is refused.
// INVARIANT(INV-08): a file under another scope is refused before any of its rows is read.
pub(crate) fn header(
    connection: &Connection,
    path: &Path,
    expected: Option<TenantId>,
) -> Result<Header, Error> {
    let (tenant, project, environment): (Vec<u8>, Vec<u8>, Vec<u8>) = connection
        .query_row(
            "SELECT tenant_id, root_project_id, root_environment_id FROM header WHERE one = 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .sql()?;
    let tenant = column::id(&tenant, TenantId::from_bytes)?;
    if expected.is_some_and(|expected| expected != tenant) {
        return Err(refused(path, "it is another tenant's", Code::TenantIsolationViolation));
    }
    let root = Root {
        project_id: column::id(&project, ProjectId::from_bytes)?,
        environment_id: column::id(&environment, EnvironmentId::from_bytes)?,
    };
    Ok(Header { tenant, root })
}

/// How often a file is looked at again that seems older than what is known of it: each time another process may have sealed.
const MORE_LOOKS: u32 = 4;

impl Tenant {
    /// Opens a tenant's file.
    pub(crate) fn open(
        home: &Home,
        keys: &Arc<Opener>,
        minter: &Minter,
        id: TenantId,
    ) -> Result<Arc<Self>, Error> {
        let path = home.file(id);
        // What the rows say of head, keys and past is judged before the file is opened for writing; those of an older
        // release cannot be read before it is brought forward.
        let read = |connection: &Connection| -> Result<_, Error> {
            let head = group::head(connection, id)?;
            let keyring = keys.open(connection, (id, head.ledger), (&path, home.vfs.as_deref()))?;
            known::judge(home, connection, id, &head, &keyring)?;
            Ok((header(connection, &path, Some(id))?, head, Arc::new(keyring)))
        };
        let mut more_looks = MORE_LOOKS;
        let (looked, early) = loop {
            let looked = match file::look(&path, home.vfs.as_deref(), TENANT, Some(id))? {
                Found::Ours(looked) => looked,
                Found::Empty => return Err(Error::NotFound),
            };
            let early = if looked.is_current() { read(&looked.connection).map(Some) } else { Ok(None) };
            match early {
                // Another process seals while we look: its note is then newer than what we saw of the file. What is seen after
                // the note was there is no older than it, unless the file is.
                Err(Error::Refused { code: Code::LedgerIntegrityFailed, .. }) if more_looks > 0 => {
                    more_looks -= 1
                }
                early => break (looked, early?),
            }
        };
        let connection = looked.open()?;
        let (header, head, keyring) = match early {
            Some(early) => early,
            None => read(&connection)?,
        };
        let blobs = home.blobs(id);
        file::private_folder(&blobs)?;
        let lanes = Lanes::start(&path, home.vfs.as_deref())?;
        let memory = Arc::clone(&keyring);
        let place = Place {
            path: path.clone(),
            vfs: home.vfs.clone(),
            tenant: id,
            turns: Arc::clone(&home.turns),
            forget: Box::new(move || memory.forget()),
        };
        let committer = Committer::start(Writer::new(place, connection))?;
        let write = committer.write_from_a_thread();
        keyring.reserve_from(Box::new(move |key| {
            write(Box::new(move |group| Ok(reserve_in(group.connection, group.tenant, key)?)))
        }));
        let ids = ScopeIds {
            tenant_id: id,
            project_id: header.root.project_id,
            environment_id: header.root.environment_id,
        };
        Ok(Arc::new(Self {
            ground: Ground {
                id,
                path,
                vfs: home.vfs.clone(),
                ledger: head.ledger,
                root: header.root,
                // INVARIANT(INV-01): the ids come from the tenant's own file.
                system: TenantScope::mint(minter, ids),
                keyring,
                blobs,
                known: home.known.clone(),
                clock: Arc::clone(&home.clock),
            },
            opener: Arc::clone(keys),
            lanes,
            committer,
            sealing: tokio::sync::Mutex::new(None),
            plans: SealedPlans::default(),
            logs: Mutex::new(BTreeMap::new()),
            wrote: AtomicBool::new(false),
        }))
    }

    /// The open logs.
    pub(crate) fn logs(&self) -> MutexGuard<'_, BTreeMap<log::Key, log::Writer>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that there is something to seal.
    pub(crate) fn wrote(&self) {
        self.wrote.store(true, Ordering::SeqCst);
    }

    /// Whether there was, and is no more.
    pub(crate) fn take_wrote(&self) -> bool {
        self.wrote.swap(false, Ordering::SeqCst)
    }

    /// Commits what waits and closes the file.
    ///
    /// Readers first: the last connection to close moves the write-ahead log into the file, and when two close at the same
    /// moment neither is the last. The committer closes alone, so the file that an auditor copies is whole.
    pub(crate) fn stop(&self) {
        self.lanes.stop();
        self.committer.stop();
        self.logs().clear();
    }
}

/// What a new tenant starts with.
pub(crate) struct New<'a> {
    pub(crate) ids: ScopeIds,
    pub(crate) member: Option<&'a Member>,
    pub(crate) scope: TenantScope,
    /// Keys beside the tenant's own: the platform's audit key.
    pub(crate) more_keys: Vec<WrappedKey>,
}

/// Makes a tenant's file: header, head, keys, first member and first entries in one transaction.
///
/// If we crash before its commit, an empty file lies there that nobody names; the id was random and is never used again. If
/// we crash after it and before the directory row, the next start adopts the file.
pub(crate) fn create(home: &Home, keys: &Opener, new: &New<'_>) -> Result<LedgerId, Error> {
    let id = new.ids.tenant_id;
    let ledger = LedgerId::from_random(crate::seal::random());
    let now = (home.clock)();
    let (keyring, wrapped) = keys.create(id, ledger)?;
    let blobs = home.blobs(id);
    file::private_folder(&home.tenants())?;
    file::private_folder(&blobs)?;
    let root = Root { project_id: new.ids.project_id, environment_id: new.ids.environment_id };
    let ground = Ground {
        id,
        path: home.file(id),
        vfs: home.vfs.clone(),
        ledger,
        root,
        system: new.scope,
        keyring: Arc::new(keyring),
        blobs,
        known: home.known.clone(),
        clock: Arc::clone(&home.clock),
    };
    file::create(&home.file(id), home.vfs.as_deref(), TENANT, |transaction| {
        transaction
            .execute(
                "INSERT INTO header (tenant_id, schema_version, root_project_id, root_environment_id, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    id.bytes(),
                    crate::migrations::version(crate::migrations::TENANT),
                    root.project_id.bytes(),
                    root.environment_id.bytes(),
                    now.ms()
                ],
            )
            .sql()?;
        transaction
            .execute(
                "INSERT INTO ledger_head (tenant_id, n, ledger_id, next_index, sealed_size, lowest_index, engine_epoch)
                 VALUES (?1, 1, ?2, 0, 0, 0, 0)",
                params![id.bytes(), ledger.bytes()],
            )
            .sql()?;
        rows::insert(transaction, id, &wrapped).sql()?;
        rows::insert(transaction, id, &new.more_keys).sql()?;
        if let Some(member) = new.member {
            enter_member(transaction, &ground, new.ids, member)?;
        }
        first_entries(transaction, &ground, new)
    })?;
    Ok(ledger)
}

fn enter_member(
    transaction: &Transaction<'_>,
    ground: &Ground,
    ids: ScopeIds,
    member: &Member,
) -> Result<(), Error> {
    let row = member.principal_id.key();
    let cell = Cell { table: "member", column: "name_sealed", row: &row, version: 0 };
    let key = ground.keyring.tenant_key()?;
    let name = document::seal(ground, &key, cell, &Value::String(member.name.clone()))?;
    transaction
        .execute(
            "INSERT INTO member (tenant_id, principal_id, os_uid, key_id, name_sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                ground.id.bytes(),
                member.principal_id.bytes(),
                member.os_uid,
                key.id().bytes(),
                name
            ],
        )
        .sql()?;
    for role in &member.roles {
        transaction
            .execute(
                "INSERT INTO binding (tenant_id, principal_id, project_id, environment_id, role) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    ground.id.bytes(),
                    member.principal_id.bytes(),
                    ids.project_id.bytes(),
                    ids.environment_id.bytes(),
                    role.as_str()
                ],
            )
            .sql()?;
    }
    Ok(())
}

/// `TenantCreated`, and `MemberAdded` for the first member.
fn first_entries(transaction: &Transaction<'_>, ground: &Ground, new: &New<'_>) -> Result<(), Error> {
    let system = PrincipalId::from_random(crate::seal::random());
    let request = RequestId::from_random(crate::seal::random());
    let mut entries = vec![entry(ground, new.ids, (system, request), "TenantCreated", None)?];
    if let Some(member) = new.member {
        let payload = json!({ "principalId": member.principal_id, "roles": member.roles });
        entries.push(entry(ground, new.ids, (system, request), "MemberAdded", Some(payload))?);
    }
    let draft = BlockDraft::of(entries);
    let of = prepare::Of::Act { reads: false };
    let nobody = prepare::People::new();
    let block = prepare::block(ground, &new.scope, &prepare::Keys::Lane(transaction), of, (draft, &nobody))?;
    let mut group =
        Group { connection: transaction, tenant: ground.id, head: group::head(transaction, ground.id)? };
    index::insert(&mut group, &block)
        .map_err(|_| Error::Unavailable("enter the first entries".to_owned()))?;
    let next = column::signed(group.head.next_index);
    transaction
        .execute(
            "UPDATE ledger_head SET next_index = ?2 WHERE tenant_id = ?1",
            params![ground.id.bytes(), next],
        )
        .sql()?;
    Ok(())
}

fn entry(
    ground: &Ground,
    ids: ScopeIds,
    (system, request): (PrincipalId, RequestId),
    name: &str,
    payload: Option<Value>,
) -> Result<EntryDraft, Error> {
    Ok(EntryDraft {
        envelope: Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(crate::seal::random()),
            ledger_id: ground.ledger,
            tenant_id: ids.tenant_id,
            project_id: ids.project_id,
            environment_id: ids.environment_id,
            recorded_at: (ground.clock)(),
            actor: Actor { id: system, actor_type: PrincipalType::System, roles: vec![Role::System] },
            event_type: EventType::ConfigChanged,
            event_name: Some(name.to_owned()),
            action: Action::TenantCreate,
            resource: ResourceRef { resource_type: "tenant".to_owned(), id: ids.tenant_id.to_string() },
            decision: Outcome::Completed,
            reason_code: None,
            request_id: request,
            source_module: SourceModule::Store,
            route: None,
            run_id: None,
            step_id: None,
            run: None,
            decision_id: None,
            policy_decision_id: None,
            payloads: Vec::new(),
            usage: None,
        },
        payload: payload.map(|payload| (PayloadClass::Standard, payload)),
    })
}
