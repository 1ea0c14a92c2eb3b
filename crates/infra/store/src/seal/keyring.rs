//! The keys of an open tenant: the one place of this crate where a key is held, looked up or made.
//!
//! Everything here has an age. The tenant's own keys are opened again from their rows every five minutes, so that what another
//! process has replaced is in use by then, and are gone after fifteen; a run's or a person's key stays for one. Surprising: a
//! new run key is used before its row is durable, so whoever uses it carries the row along until one transaction has
//! brought it in.

use super::rows::{self, COLUMNS, RESERVED_AT_ONCE, wrapped};
use crate::port::error::Error;
use crate::port::operation::Subject;
use crate::sqlite::Sql;
use dvt_keys::{Aad, DataKey, TenantKeys, WrappedKey};
use dvt_ledger::Hash;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::code::Code;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, RunId, TenantId};
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

/// The most run keys in memory.
const MOST_KEPT: usize = 1_024;
/// How long one stays there: what was erased is out of every process's memory within a minute (contract 6.4).
const KEPT_MS: u64 = 60 * 1_000;
/// When the tenant's keys are opened again (INV-19: a new key is in use within 5 minutes).
const FRESH_MS: u64 = 5 * 60 * 1_000;
/// How long they are used where they cannot be opened again (contract 6.4).
const LIFE_MS: u64 = 15 * 60 * 1_000;

/// Stands for several persons of a run where the HMAC of one would stand; no HMAC is written so.
pub(crate) const SEVERAL: &str = "*";

/// Opens the tenant's keys again.
pub(crate) type Reopen = Box<dyn Fn() -> Result<TenantKeys, Error> + Send + Sync>;
/// Reserves rows of a data key and tells whether it should be replaced soon.
pub(crate) type Reserve = Box<dyn Fn(KeyId) -> Result<bool, Error> + Send + Sync>;

/// A keys error as ours.
pub(crate) fn fault(error: &dvt_keys::Error) -> Error {
    match error.code() {
        Code::DecryptFailed => Error::Decrypt,
        Code::LedgerIntegrityFailed => Error::integrity(error.to_string()),
        _ => Error::Key(error.to_string()),
    }
}

/// A run key, or the key of what a run holds about a person, in use.
pub(crate) struct Holding {
    data: DataKey,
    row: WrappedKey,
    durable: AtomicBool,
}

impl Holding {
    /// Its id.
    pub(crate) fn id(&self) -> KeyId {
        self.data.id()
    }

    /// Its row, as long as no transaction has brought it in.
    pub(crate) fn undurable(&self) -> Option<WrappedKey> {
        (!self.durable.load(Ordering::SeqCst)).then(|| self.row.clone())
    }

    /// Notes that its row is durable.
    pub(crate) fn became_durable(&self) {
        self.durable.store(true, Ordering::SeqCst);
    }

    /// Compares values without keeping them.
    pub(crate) fn hmac(&self, message: &[u8]) -> [u8; 32] {
        self.data.hmac(message)
    }
}

/// What something is sealed under. It stays the same key, whatever is replaced meanwhile.
#[derive(Clone)]
pub(crate) enum SealKey {
    /// A data key of the tenant.
    Tenant(Arc<TenantKeys>, KeyId),
    /// A run's, or a person's in a run.
    Run(Arc<Holding>),
}

impl SealKey {
    /// Its id.
    pub(crate) fn id(&self) -> KeyId {
        match self {
            Self::Tenant(_, id) => *id,
            Self::Run(holding) => holding.id(),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&DataKey) -> Result<T, dvt_keys::Error>) -> Result<T, Error> {
        let done = match self {
            Self::Tenant(keys, id) => work(keys.dek_by_id(*id).ok_or(Error::Decrypt)?),
            Self::Run(holding) => work(&holding.data),
        };
        done.map_err(|error| fault(&error))
    }

    /// Seals a value to its place.
    // INVARIANT(INV-16): tenant, table, column, row and version are authenticated with every sealed value.
    pub(crate) fn seal(
        &self,
        keyring: &Keyring,
        (table, column): (&str, &str),
        row_key: &str,
        row_version: u64,
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        #[cfg(feature = "weakened")]
        if crate::weakened::seals_nothing(keyring.tenant) {
            return Ok(plain.to_vec());
        }
        if let Self::Tenant(_, id) = self {
            keyring.spend(*id)?;
        }
        let aad = Aad { tenant: keyring.tenant, table, column, row_key, row_version };
        self.with(|key| key.seal(&aad, plain))
    }

    /// Opens a value at its place.
    pub(crate) fn open(
        &self,
        keyring: &Keyring,
        (table, column): (&str, &str),
        row_key: &str,
        row_version: u64,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let aad = Aad { tenant: keyring.tenant, table, column, row_key, row_version };
        self.with(|key| key.open(&aad, sealed).map(|plain| plain.to_vec()))
    }
}

/// The opened keys of a tenant.
pub(crate) struct Keyring {
    tenant: TenantId,
    clock: crate::Clock,
    reopen: Reopen,
    /// `None` once they were too old to be used.
    ring: RwLock<Option<(Arc<TenantKeys>, Timestamp)>>,
    kept: Mutex<Kept>,
    /// What is left of the reserved rows of each data key.
    left: Mutex<BTreeMap<KeyId, u64>>,
    reserve: OnceLock<Reserve>,
    nearly_used_up: AtomicBool,
}

#[derive(Default)]
struct Kept {
    holdings: BTreeMap<KeyId, (Arc<Holding>, Timestamp)>,
    of: BTreeMap<(String, PayloadClass), KeyId>,
    cleaned: Option<Timestamp>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keyring {
    pub(crate) fn new(tenant: TenantId, keys: TenantKeys, clock: crate::Clock, reopen: Reopen) -> Self {
        let ring = RwLock::new(Some((Arc::new(keys), clock())));
        Self {
            tenant,
            clock,
            reopen,
            ring,
            kept: Mutex::default(),
            left: Mutex::default(),
            reserve: OnceLock::new(),
            nearly_used_up: AtomicBool::new(false),
        }
    }

    /// The keys, opened again where they are no longer fresh.
    // INVARIANT(INV-19): plain keys are at most 15 minutes old, whatever cannot be read meanwhile.
    pub(crate) fn keys(&self) -> Result<Arc<TenantKeys>, Error> {
        let held = self.ring.read().unwrap_or_else(PoisonError::into_inner).clone();
        let now = (self.clock)();
        if let Some((keys, since)) = held {
            let age = now.ms_since(since);
            if age <= FRESH_MS {
                return Ok(keys);
            }
            if age <= LIFE_MS {
                return Ok(self.again().unwrap_or(keys));
            }
        }
        let opened = self.again();
        if opened.is_err() {
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        opened
    }

    /// Opens them again now: a row is known to have changed.
    pub(crate) fn again(&self) -> Result<Arc<TenantKeys>, Error> {
        let keys = Arc::new((self.reopen)()?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) =
            Some((Arc::clone(&keys), (self.clock)()));
        self.nearly_used_up.store(false, Ordering::SeqCst);
        Ok(keys)
    }

    /// Drops what is too old, for a process that does nothing else with the keys.
    pub(crate) fn tidy(&self) {
        let now = (self.clock)();
        let is_old = |held: &Option<(Arc<TenantKeys>, Timestamp)>| {
            held.as_ref().is_some_and(|(_, since)| now.ms_since(*since) > LIFE_MS)
        };
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if is_old(&ring) {
            *ring = None;
        }
        drop(ring);
        lock(&self.kept).clean(now);
    }

    /// The data key in use.
    pub(crate) fn tenant_key(&self) -> Result<SealKey, Error> {
        let keys = self.keys()?;
        let id = keys.dek().id();
        Ok(SealKey::Tenant(keys, id))
    }

    /// From whom rows of data keys are reserved.
    pub(crate) fn reserve_from(&self, reserve: Reserve) {
        // Set once, by whoever opened the file.
        let _set = self.reserve.set(reserve);
    }

    /// Rows of a data key that this process has reserved by inserting it.
    pub(crate) fn grant(&self, key: KeyId) {
        *lock(&self.left).entry(key).or_default() += RESERVED_AT_ONCE;
    }

    /// Whether the data key in use should be replaced.
    pub(crate) fn is_nearly_used_up(&self) -> bool {
        self.nearly_used_up.load(Ordering::SeqCst)
    }

    /// Takes one of the reserved rows, reserving more where none is left.
    // INVARIANT(INV-19): a data key seals at most 10^7 rows; what is sealed was reserved in a durable transaction before.
    fn spend(&self, key: KeyId) -> Result<(), Error> {
        let mut left = lock(&self.left);
        let rest = left.entry(key).or_default();
        if *rest == 0 {
            let reserve = self.reserve.get().ok_or_else(|| Error::Key("no rows are reserved".to_owned()))?;
            if reserve(key)? {
                self.nearly_used_up.store(true, Ordering::SeqCst);
            }
            *rest = RESERVED_AT_ONCE;
        }
        *rest -= 1;
        Ok(())
    }

    /// A block's MAC under the key in use.
    pub(crate) fn mac(&self, message: &[u8]) -> Result<(KeyId, [u8; 32]), Error> {
        let keys = self.keys()?;
        Ok((keys.mac_key_id(), keys.mac(message)))
    }

    /// Checks a MAC, in constant time; an error where its key is not there.
    pub(crate) fn mac_is_valid(
        &self,
        connection: &Connection,
        key: KeyId,
        message: &[u8],
        mac: &[u8],
    ) -> Result<bool, Error> {
        let mut keys = self.keys()?;
        if !keys.has_mac_key(key) && self.is_stored(connection, key, "mac")? {
            keys = self.again()?;
        }
        if !keys.has_mac_key(key) {
            return Err(Error::Key(format!("the MAC key `{key}` is not there")));
        }
        Ok(keys.verify_mac(key, message, mac))
    }

    fn is_stored(&self, connection: &Connection, key: KeyId, purpose: &str) -> Result<bool, Error> {
        let found: Option<i64> = connection
            .prepare_cached("SELECT 1 FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND purpose = ?3")
            .sql()?
            .query_row(params![self.tenant.bytes(), key.bytes(), purpose], |row| row.get(0))
            .optional()
            .sql()?;
        Ok(found.is_some())
    }

    /// Signs a checkpoint that extends the last one, beside the key before where that one signed the last. Gives the note and
    /// the id of the key.
    pub(crate) fn sign(
        &self,
        (last, last_by): (Option<&Checkpoint>, &[VerifierKey]),
        next: &Checkpoint,
        proof: &[Hash],
    ) -> Result<(String, KeyId), Error> {
        let keys = self.keys()?;
        let signer = keys.signer();
        let before =
            keys.newest_signer_of(last_by).filter(|before| before.verifier_key() != signer.verifier_key());
        let note = signer.sign_beside(before, last, next, proof).map_err(|error| fault(&error))?;
        Ok((note, signer.id()))
    }

    /// The public halves of the signers.
    pub(crate) fn verifier_keys(&self) -> Result<Vec<VerifierKey>, Error> {
        Ok(self.keys()?.verifier_keys())
    }

    /// A MAC under the link key.
    pub(crate) fn link_mac(&self, message: &[u8]) -> Result<[u8; 32], Error> {
        Ok(self.keys()?.link_key().mac(message))
    }

    /// Whether a MAC under a link key is right. One that was replaced a moment ago by another process is not yet known here.
    pub(crate) fn link_verify(&self, message: &[u8], mac: &[u8]) -> Result<bool, Error> {
        if self.keys()?.verify_link(message, mac) {
            return Ok(true);
        }
        Ok(self.again()?.verify_link(message, mac))
    }

    /// How rows name a person.
    pub(crate) fn person(&self, value: &str) -> Result<String, Error> {
        Ok(self.keys()?.person(value))
    }

    /// Drops every run key: after a failed commit a kept one may never have become durable.
    pub(crate) fn forget(&self) {
        *lock(&self.kept) = Kept::default();
    }

    /// The key of a run and class, or of what the run holds about a person in that class: kept, stored, or new.
    // INVARIANT(INV-18): payloads about a person lie under a key that ends with the person, and under no other.
    pub(crate) fn run_key(
        &self,
        connection: &Connection,
        run: RunId,
        class: PayloadClass,
        person: Option<&Subject>,
    ) -> Result<Arc<Holding>, Error> {
        let keys = self.keys()?;
        let (purpose, subject) = match person {
            None => ("run", run.to_string()),
            Some(Subject::Person(person)) => ("subject", format!("{}|{run}", keys.person(person))),
            Some(Subject::Several(_)) => ("subject", format!("{SEVERAL}|{run}")),
        };
        // The lock is held throughout, so that two callers never make two keys for one run and class.
        let mut kept = lock(&self.kept);
        let now = (self.clock)();
        let of = (subject, class);
        if let Some(holding) = kept.of.get(&of).copied().and_then(|id| kept.fresh(id, now)) {
            return Ok(holding);
        }
        let stored = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2 AND subject = ?3 AND class = ?4
                 ORDER BY epoch DESC LIMIT 1"
            ))
            .sql()?
            .query_row(
                params![self.tenant.bytes(), purpose, of.0, class.as_str()],
                wrapped,
            )
            .optional()
            .sql()?
            .transpose()?;
        let (data, row, durable) = match stored {
            Some(row) => (self.open_holding(&keys, &row)?, row, true),
            None => {
                let made = match person {
                    None => keys.new_run_key(run, class, now),
                    Some(_) => keys.new_subject_key(&of.0, class, now),
                };
                let (data, row) = made.map_err(|error| fault(&error))?;
                (data, row, false)
            }
        };
        Ok(kept.keep(Holding { data, row, durable: AtomicBool::new(durable) }, Some(of), now))
    }

    /// The key of a run whose id was drawn a moment ago: kept, or new. The file is not asked, for it cannot hold one.
    pub(crate) fn new_run_key(&self, run: RunId, class: PayloadClass) -> Result<Arc<Holding>, Error> {
        let keys = self.keys()?;
        let mut kept = lock(&self.kept);
        let (now, of) = ((self.clock)(), (run.to_string(), class));
        if let Some(holding) = kept.of.get(&of).copied().and_then(|id| kept.fresh(id, now)) {
            return Ok(holding);
        }
        let (data, row) = keys.new_run_key(run, class, now).map_err(|error| fault(&error))?;
        Ok(kept.keep(Holding { data, row, durable: AtomicBool::new(false) }, Some(of), now))
    }

    /// Opens a row; where another process has replaced the KEK, with the keys as they are now.
    fn open_holding(&self, keys: &TenantKeys, row: &WrappedKey) -> Result<DataKey, Error> {
        match keys.open_run_key(row).map_err(|error| fault(&error)) {
            Err(Error::Decrypt) => self.again()?.open_run_key(row).map_err(|error| fault(&error)),
            other => other,
        }
    }

    /// The key of a run and class, if it is in memory.
    pub(crate) fn run_key_in_memory(&self, run: RunId, class: PayloadClass) -> Option<Arc<Holding>> {
        let mut kept = lock(&self.kept);
        let id = kept.of.get(&(run.to_string(), class)).copied()?;
        kept.fresh(id, (self.clock)())
    }

    /// The key that a row names; `None` where it is gone.
    pub(crate) fn seal_key(&self, connection: &Connection, id: KeyId) -> Result<Option<SealKey>, Error> {
        let keys = self.keys()?;
        if keys.dek_by_id(id).is_some() {
            return Ok(Some(SealKey::Tenant(keys, id)));
        }
        let mut kept = lock(&self.kept);
        let now = (self.clock)();
        if let Some(holding) = kept.fresh(id, now) {
            return Ok(Some(SealKey::Run(holding)));
        }
        let stored = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND purpose IN ('run', 'subject')"
            ))
            .sql()?
            .query_row(
                params![self.tenant.bytes(), id.bytes()],
                wrapped,
            )
            .optional()
            .sql()?
            .transpose()?;
        let Some(row) = stored else {
            drop(kept);
            if !self.is_stored(connection, id, "dek")? {
                return Ok(None);
            }
            // Another process has replaced the data key.
            let keys = self.again()?;
            return Ok(keys.dek_by_id(id).is_some().then(|| SealKey::Tenant(keys, id)));
        };
        let data = self.open_holding(&keys, &row)?;
        let of = row.subject.clone().zip(row.class);
        let holding = kept.keep(Holding { data, row, durable: AtomicBool::new(true) }, of, now);
        Ok(Some(SealKey::Run(holding)))
    }

    /// The HMAC of a message under a stored run key; `None` where the key is gone.
    pub(crate) fn key_hmac(
        &self,
        connection: &Connection,
        id: KeyId,
        message: &[u8],
    ) -> Result<Option<[u8; 32]>, Error> {
        Ok(match self.seal_key(connection, id)? {
            Some(SealKey::Run(holding)) => Some(holding.hmac(message)),
            _ => None,
        })
    }
}

impl Kept {
    fn fresh(&mut self, id: KeyId, now: Timestamp) -> Option<Arc<Holding>> {
        self.clean(now);
        let (holding, since) = self.holdings.get(&id)?;
        if now.ms_since(*since) <= KEPT_MS {
            return Some(Arc::clone(holding));
        }
        // Too old. One whose row is not durable yet has been refused long ago, or nobody needed it.
        self.holdings.remove(&id);
        None
    }

    /// Drops what is too old, at most once in a while.
    fn clean(&mut self, now: Timestamp) {
        if self.cleaned.is_none_or(|last| now.ms_since(last) > KEPT_MS) {
            self.cleaned = Some(now);
            self.holdings.retain(|_, (_, since)| now.ms_since(*since) <= KEPT_MS);
            self.of.retain(|_, id| self.holdings.contains_key(id));
        }
    }

    fn keep(&mut self, holding: Holding, of: Option<(String, PayloadClass)>, now: Timestamp) -> Arc<Holding> {
        if self.holdings.len() >= MOST_KEPT {
            self.cleaned = None;
            self.clean(now);
        }
        if self.holdings.len() >= MOST_KEPT {
            *self = Self::default();
        }
        let (id, holding) = (holding.id(), Arc::new(holding));
        self.holdings.insert(id, (Arc::clone(&holding), now));
        if let Some(of) = of {
            self.of.insert(of, id);
        }
        holding
    }
}

/// Reserves rows of a data key where somebody has the file open for writing.
pub(crate) fn reserve_in(connection: &Connection, tenant: TenantId, key: KeyId) -> Result<bool, Error> {
    rows::reserve(connection, tenant, key).sql()?.ok_or_else(used_up)
}

/// The data key has sealed what it may.
pub(crate) fn used_up() -> Error {
    Error::Key("the data key has sealed its 10^7 rows and is not yet replaced".to_owned())
}
