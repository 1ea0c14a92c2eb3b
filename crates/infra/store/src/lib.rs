//! The store: the only way to a table is `store.begin(&scope, kind) -> TenantTx`.
//!
//! Reads are async methods of [`TenantTx`]; writes are operations put on its stage, each with the preconditions that it
//! needs; `commit()` hands the stage to the committer, which merges stages of one tenant into one transaction and answers
//! each after the sync. No pool and no connection is ever shown.

pub mod backup;
mod blob;
pub mod check;
mod commit;
mod control;
pub mod crash;
mod erase;
pub mod known;
mod migrations;
pub mod port;
mod read;
mod recover;
mod retention;
mod rotate;
mod seal;
mod sealer;
mod sqlite;
mod start;
pub mod tally;
mod tenant;
pub mod verify;
#[cfg(feature = "weakened")]
#[doc(hidden)]
pub mod weakened;

use commit::turns::{AT_A_TIME, Turns};
use control::Control;
use dvt_keys::RootKey;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::id::{LedgerId, TenantId};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use port::operation::{Member, OpenRun};
use port::transaction::{Kind, TenantTx};
use rusqlite::params;
use seal::opener::Opener;
use sqlite::column;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tenant::{Home, Tenant};

#[cfg(feature = "watched-blobs")]
#[doc(hidden)]
pub use blob::seam as blobs;
pub use commit::counts::Counts;
pub use dvt_keys::Purpose;
pub use erase::hold::{Hold, WouldHold};
pub use erase::{Erased, Target};
pub use port::error::{Error, Refusal};
pub use retention::prune::Prunable;
pub use retention::sweep::Swept;
pub use retention::{Data, Rule};
pub use rotate::{Age, ROTATED};

/// What was worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worked {
    /// Of ordered erasures.
    pub erased: Erased,
    /// By age.
    pub swept: Swept,
    /// Rows that lay under a data key that was replaced.
    pub sealed_again: u64,
    /// Keys that hung under a KEK that was replaced.
    pub wrapped_again: u64,
}

/// Where the present comes from: the wall clock in DVT, a simulated one in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How to open a store.
pub struct Options {
    /// The data folder (0700): `control.db`, `tenants/<uuid>.db`, `blobs/<uuid>/`.
    pub folder: PathBuf,
    /// A SQLite VFS by name, for the power-cut harness.
    pub vfs: Option<String>,
    /// The clock.
    pub clock: Clock,
    /// For recovery alone: scopes are minted from the rows that name runs.
    pub minter: Arc<Minter>,
}

/// A handle to the store; clones share everything.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    home: Home,
    control: Control,
    keys: Arc<Opener>,
    minter: Arc<Minter>,
    /// `None` once it is closed.
    open: Mutex<Option<BTreeMap<TenantId, Arc<Tenant>>>>,
}

impl Store {
    /// Opens (or first creates) the control database and the platform tenant.
    pub fn open(options: Options, root: RootKey) -> Result<Self, Error> {
        Self::open_known(options, root, None)
    }

    /// Whether the root key is where it was and still opens what hangs directly under it. It leaves nothing open.
    pub fn key_opens(&self) -> Result<(), Error> {
        self.inner.keys.opens()
    }

    /// The same, and keeps the newest checkpoints in one folder more: best one that is not copied back with the data.
    pub fn open_known(options: Options, root: RootKey, elsewhere: Option<PathBuf>) -> Result<Self, Error> {
        let Options { folder, vfs, clock, minter } = options;
        // Under another VFS the real file system knows nothing.
        let known = match vfs {
            Some(_) => Vec::new(),
            None => std::iter::once(known::folder(&folder)).chain(elsewhere).collect(),
        };
        let turns = Arc::new(Turns::new(AT_A_TIME));
        let home = Home { folder, known, vfs, clock, turns };
        let (control, keys) = start::start(&home, root, &minter)?;
        let open = Mutex::new(Some(BTreeMap::new()));
        Ok(Self { inner: Arc::new(Inner { home, control, keys, minter, open }) })
    }

    /// Makes a tenant: its file with keys, first member and first entries, then its directory row.
    pub async fn create_tenant(&self, root_scope: ScopeIds, first_member: Member) -> Result<LedgerId, Error> {
        let inner = Arc::clone(&self.inner);
        let id = root_scope.tenant_id;
        let ledger = blocking(move || {
            if inner.control.knows(id)? {
                return Err(Error::Contract("the tenant exists".to_owned()));
            }
            let scope = TenantScope::mint(&inner.minter, root_scope);
            let new =
                tenant::New { ids: root_scope, member: Some(&first_member), scope, more_keys: Vec::new() };
            let ledger = tenant::create(&inner.home, &inner.keys, &new)?;
            // If we crash here, the file is whole and no row names it: the next start adopts it.
            inner.control.enter(id, false)?;
            Ok(ledger)
        })
        .await?;
        self.tenant(id)?.wrote();
        Ok(ledger)
    }

    /// Begins a transaction of one tenant. `NotFound` where there is no such tenant.
    // INVARIANT(INV-08): a scope is the first argument, and only a `Minter` makes one.
    pub fn begin(&self, scope: &TenantScope, kind: Kind) -> Result<TenantTx, Error> {
        Ok(TenantTx::new(self.tenant(scope.tenant())?, *scope, kind))
    }

    /// The tenants of the directory, without the platform tenant.
    pub fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        let listed = self.inner.control.tenants()?;
        Ok(listed.into_iter().filter(|row| !row.platform).map(|row| row.tenant).collect())
    }

    /// The platform tenant.
    pub fn platform(&self) -> Result<TenantId, Error> {
        let listed = self.inner.control.tenants()?;
        listed.into_iter().find(|row| row.platform).map(|row| row.tenant).ok_or(Error::NotFound)
    }

    /// The root scope of a tenant, as its own file has it.
    pub fn root_of(&self, tenant: TenantId) -> Result<ScopeIds, Error> {
        Ok(self.tenant(tenant)?.system.ids())
    }

    /// Runs that have not ended, with the scope of the row that names each (recovery; kind `system`).
    pub async fn open_runs(&self, tenant: TenantId) -> Result<Vec<OpenRun>, Error> {
        recover::open_runs(&self.tenant(tenant)?, Arc::clone(&self.inner.minter)).await
    }

    /// Raises the tenant's `engine_epoch` in the first transaction of a new leader. `LEASE_LOST` if it is higher already.
    pub async fn claim(&self, tenant: TenantId, epoch: u64) -> Result<(), Refusal> {
        let open = self.tenant(tenant)?;
        let claimed = open.committer.write(0, move |group| {
            if group.head.engine_epoch > epoch {
                return Err(Refusal::LeaseLost.into());
            }
            group.connection.execute(
                "UPDATE ledger_head SET engine_epoch = ?2 WHERE tenant_id = ?1",
                params![group.tenant.bytes(), column::signed(epoch)],
            )?;
            group.head.engine_epoch = epoch;
            Ok(())
        });
        claimed.await
    }

    /// Seals what is not yet sealed: tiles and one signed checkpoint. `None` where nothing was to seal.
    pub async fn seal(&self, tenant: TenantId) -> Result<Option<Checkpoint>, Error> {
        let asked = std::time::Instant::now();
        let sealed = sealer::seal(&self.tenant(tenant)?).await?;
        dvt_telemetry::sealed(asked);
        Ok(sealed)
    }

    /// The public keys of a tenant's checkpoint signers, the one in use first: what `dvt audit verify` needs.
    pub async fn verifier_keys(&self, tenant: TenantId) -> Result<Vec<VerifierKey>, Error> {
        self.tenant(tenant)?.keyring.verifier_keys()
    }

    /// A MAC under the tenant's link key: what processes of this installation send each other (contract 4.2).
    pub fn link_mac(&self, tenant: TenantId, message: &[u8]) -> Result<[u8; 32], Error> {
        self.tenant(tenant)?.keyring.link_mac(message)
    }

    /// Whether such a MAC is right, in constant time.
    pub fn link_verify(&self, tenant: TenantId, message: &[u8], mac: &[u8]) -> Result<bool, Error> {
        self.tenant(tenant)?.keyring.link_verify(message, mac)
    }

    /// The keys of a tenant for the verifier's MAC and payload layers; the caller holds the right to read the ledger.
    pub fn with_keys(&self, tenant: TenantId) -> Result<verify::WithKeys, Error> {
        let open = self.tenant(tenant)?;
        let (path, vfs) = (self.inner.home.file(tenant), self.inner.home.vfs.as_deref());
        let connection = sqlite::connect::connect(&path, vfs, sqlite::connect::Access::Read)?;
        verify::WithKeys::new(&self.inner.keys, &open, connection)
    }

    /// The same for a copy of the tenant's file: keys as far as the copy holds them.
    pub fn with_keys_of(&self, tenant: TenantId, copy: &Path) -> Result<verify::WithKeys, Error> {
        let open = self.tenant(tenant)?;
        let copy = copy.canonicalize().map_err(|_| Error::NotFound)?;
        verify::WithKeys::new(&self.inner.keys, &open, sqlite::look::reading(&copy)?)
    }

    /// Works off what a tenant owes: ordered erasures, ended data, keys that were replaced. Whoever holds the lease calls it
    /// again and again; a second caller at the same moment finds less to do.
    pub async fn work_off(&self, tenant: TenantId) -> Result<Worked, Error> {
        let tenant = self.tenant(tenant)?;
        tenant.keyring.tidy();
        rotate::if_due(&tenant).await.map_err(|refusal| Error::Key(refusal.to_string()))?;
        let erased = erase::work_off(&tenant).await?;
        let swept = retention::sweep::sweep(&tenant).await?;
        let sealed_again = rotate::reseal::work_off(&tenant).await?;
        let wrapped_again = rotate::rewrap::work_off(&tenant).await?;
        Ok(Worked { erased, swept, sealed_again, wrapped_again })
    }

    /// Works off the ordered erasures of a tenant, so that who ordered one is told what came of it.
    pub async fn erase_ordered(&self, tenant: TenantId) -> Result<Erased, Error> {
        erase::work_off(&self.tenant(tenant)?).await
    }

    /// Ends what its clock has ended.
    pub async fn sweep(&self, tenant: TenantId) -> Result<Swept, Error> {
        retention::sweep::sweep(&self.tenant(tenant)?).await
    }

    /// What the committer of a tenant did since its file was opened.
    pub fn counts(&self, tenant: TenantId) -> Result<Counts, Error> {
        Ok(self.tenant(tenant)?.committer.counts())
    }

    /// The engine lease of the control database.
    pub fn lease(&self) -> port::lease::LeaseTable {
        port::lease::LeaseTable::new(self.inner.control.clone())
    }

    /// The file of a tenant's ledger, for the offline verifier.
    pub fn ledger_path(folder: &Path, tenant: TenantId) -> PathBuf {
        folder.join("tenants").join(format!("{}.db", tenant.key()))
    }

    /// Waits until everything staged is durable, seals every tenant it wrote to, and closes the files.
    pub async fn close(&self) -> Result<(), Error> {
        let open = self.lock().take().unwrap_or_default();
        let mut result = Ok(());
        for tenant in open.values() {
            if tenant.take_wrote()
                && let Err(error) = sealer::seal(tenant).await
            {
                result = Err(error);
            }
        }
        blocking(move || {
            for tenant in open.values() {
                tenant.stop();
            }
            Ok(())
        })
        .await?;
        result
    }

    fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<TenantId, Arc<Tenant>>>> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An open tenant; opens its file at first use.
    fn tenant(&self, id: TenantId) -> Result<Arc<Tenant>, Error> {
        let mut guard = self.lock();
        let open = guard.as_mut().ok_or_else(|| Error::Unavailable("answer: it is closed".to_owned()))?;
        if let Some(tenant) = open.get(&id) {
            return Ok(Arc::clone(tenant));
        }
        if !self.inner.control.knows(id)? {
            return Err(Error::NotFound);
        }
        let tenant = Tenant::open(&self.inner.home, &self.inner.keys, &self.inner.minter, id)?;
        open.insert(id, Arc::clone(&tenant));
        Ok(tenant)
    }
}

/// Runs work that waits for disks on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (answer, wait) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("dvt-store".to_owned())
        .spawn(move || {
            // Nobody waits any more: what was done is done.
            let _gone = answer.send(work());
        })
        .map_err(|error| Error::io("start a thread", &error))?;
    wait.await.map_err(|_| Error::Unavailable("answer: a thread ended early".to_owned()))?
}
