//! The keys of an open tenant: the one place of this crate where a key is held, looked up or made.
//!
//! Run keys are opened when needed, kept for 15 minutes at most and in bounded number. Surprising: a new run key is used
//! before its row is durable, so whoever uses it carries the row along until one transaction has brought it in.

use crate::port::error::Error;
use crate::sqlite::{Sql, column};
use dvt_keys::{Aad, AuditKek, DataKey, Purpose, RootKey, TenantKeys, WrappedKey};
use dvt_ledger::Hash;
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::code::Code;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, LedgerId, RunId, TenantId};
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most run keys in memory.
const MOST_KEPT: usize = 1_024;
/// How long one stays there (contract 6.4).
const LIFE_MS: u64 = 15 * 60 * 1_000;

/// A keys error as ours.
fn fault(error: &dvt_keys::Error) -> Error {
    match error.code() {
        Code::DecryptFailed => Error::Decrypt,
        Code::LedgerIntegrityFailed => Error::integrity(error.to_string()),
        _ => Error::Key(error.to_string()),
    }
}

/// A run key in use.
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

/// What something is sealed under.
#[derive(Clone)]
pub(crate) enum SealKey {
    /// The data key in use.
    Tenant,
    /// A data key of before.
    Older(KeyId),
    /// A run's.
    Run(Arc<Holding>),
}

impl SealKey {
    /// Its id.
    pub(crate) fn id(&self, keyring: &Keyring) -> KeyId {
        match self {
            Self::Tenant => keyring.tenant_key_id(),
            Self::Older(id) => *id,
            Self::Run(holding) => holding.id(),
        }
    }

    fn with<T>(
        &self,
        keyring: &Keyring,
        work: impl FnOnce(&DataKey) -> Result<T, dvt_keys::Error>,
    ) -> Result<T, Error> {
        let done = match self {
            Self::Tenant => work(keyring.keys.dek()),
            Self::Older(id) => work(keyring.keys.dek_by_id(*id).ok_or(Error::Decrypt)?),
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
        let aad = Aad { tenant: keyring.tenant, table, column, row_key, row_version };
        self.with(keyring, |key| key.seal(&aad, plain))
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
        self.with(keyring, |key| key.open(&aad, sealed).map(|plain| plain.to_vec()))
    }
}

/// The opened keys of a tenant.
pub(crate) struct Keyring {
    tenant: TenantId,
    keys: TenantKeys,
    clock: crate::Clock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    holdings: BTreeMap<KeyId, (Arc<Holding>, Timestamp)>,
    of_run: BTreeMap<(RunId, PayloadClass), KeyId>,
}

impl Keyring {
    /// The id of the data key in use.
    pub(crate) fn tenant_key_id(&self) -> KeyId {
        self.keys.dek().id()
    }

    /// A block's MAC under the key in use.
    pub(crate) fn mac(&self, message: &[u8]) -> (KeyId, [u8; 32]) {
        (self.keys.mac_key_id(), self.keys.mac(message))
    }

    /// Checks a MAC, in constant time; an error where its key is not there.
    pub(crate) fn mac_is_valid(&self, key: KeyId, message: &[u8], mac: &[u8]) -> Result<bool, Error> {
        if !self.keys.has_mac_key(key) {
            return Err(Error::Key(format!("the MAC key `{key}` is not there")));
        }
        Ok(self.keys.verify_mac(key, message, mac))
    }

    /// Signs a checkpoint that extends the last one.
    pub(crate) fn sign(
        &self,
        last: Option<&Checkpoint>,
        next: &Checkpoint,
        proof: &[Hash],
    ) -> Result<String, Error> {
        self.keys.signer().sign(last, next, proof).map_err(|error| fault(&error))
    }

    /// The public halves of the signers.
    pub(crate) fn verifier_keys(&self) -> Vec<VerifierKey> {
        self.keys.verifier_keys()
    }

    /// A MAC under the link key.
    pub(crate) fn link_mac(&self, message: &[u8]) -> [u8; 32] {
        self.keys.link_key().mac(message)
    }

    /// Whether a MAC under the link key is right.
    pub(crate) fn link_verify(&self, message: &[u8], mac: &[u8]) -> bool {
        self.keys.link_key().verify(message, mac)
    }

    /// Drops every run key: after a failed commit a kept one may never have become durable.
    pub(crate) fn forget(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of a run and class: kept, stored, or new.
    pub(crate) fn run_key(
        &self,
        connection: &Connection,
        run: RunId,
        class: PayloadClass,
    ) -> Result<Arc<Holding>, Error> {
        // The lock is held throughout, so that two callers never make two keys for one run and class.
        let mut kept = self.kept();
        let now = (self.clock)();
        if let Some(holding) = kept.of_run.get(&(run, class)).copied().and_then(|id| kept.fresh(id, now)) {
            return Ok(holding);
        }
        let stored = connection
            .query_row(
                &format!(
                    "SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = 'run' AND subject = ?2 AND class = ?3
                     ORDER BY epoch DESC LIMIT 1"
                ),
                params![self.tenant.bytes(), run.to_string(), class.as_str()],
                wrapped,
            )
            .optional()
            .sql()?
            .transpose()?;
        let (data, row, durable) = match stored {
            Some(row) => (self.keys.open_run_key(&row).map_err(|error| fault(&error))?, row, true),
            None => {
                let (data, row) = self.keys.new_run_key(run, class, now).map_err(|error| fault(&error))?;
                (data, row, false)
            }
        };
        Ok(kept.keep(Holding { data, row, durable: AtomicBool::new(durable) }, Some((run, class)), now))
    }

    /// The key that a row names; `None` where it is gone.
    pub(crate) fn seal_key(&self, connection: &Connection, id: KeyId) -> Result<Option<SealKey>, Error> {
        if id == self.tenant_key_id() {
            return Ok(Some(SealKey::Tenant));
        }
        if self.keys.dek_by_id(id).is_some() {
            return Ok(Some(SealKey::Older(id)));
        }
        let mut kept = self.kept();
        let now = (self.clock)();
        if let Some(holding) = kept.fresh(id, now) {
            return Ok(Some(SealKey::Run(holding)));
        }
        let stored = connection
            .query_row(
                &format!("SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND key_id = ?2 AND purpose = 'run'"),
                params![self.tenant.bytes(), id.bytes()],
                wrapped,
            )
            .optional()
            .sql()?
            .transpose()?;
        let Some(row) = stored else { return Ok(None) };
        let data = self.keys.open_run_key(&row).map_err(|error| fault(&error))?;
        let of = row.subject.as_deref().and_then(|run| RunId::parse(run).ok()).zip(row.class);
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
        let (holding, since) = self.holdings.get(&id)?;
        if now.ms_since(*since) <= LIFE_MS {
            return Some(Arc::clone(holding));
        }
        // Too old. One whose row is not durable yet has been refused long ago, or nobody needed it.
        self.holdings.remove(&id);
        None
    }

    fn keep(&mut self, holding: Holding, of: Option<(RunId, PayloadClass)>, now: Timestamp) -> Arc<Holding> {
        if self.holdings.len() >= MOST_KEPT {
            self.holdings.retain(|_, (_, since)| now.ms_since(*since) <= LIFE_MS);
        }
        if self.holdings.len() >= MOST_KEPT {
            *self = Self::default();
        }
        let (id, holding) = (holding.id(), Arc::new(holding));
        self.holdings.insert(id, (Arc::clone(&holding), now));
        if let Some(of) = of {
            self.of_run.insert(of, id);
        }
        self.of_run.retain(|_, id| self.holdings.contains_key(id));
        holding
    }
}

/// The columns that [`wrapped`] expects, in its order.
const COLUMNS: &str = "key_id, purpose, subject, class, epoch, created_at, wrapped, audit_wrapped";

fn wrapped(row: &Row<'_>) -> rusqlite::Result<Result<WrappedKey, Error>> {
    let id: Vec<u8> = row.get(0)?;
    let purpose: String = row.get(1)?;
    let class: Option<String> = row.get(3)?;
    let (subject, epoch, created, bytes, audit) =
        (row.get(2)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
    let read = || -> Result<WrappedKey, Error> {
        Ok(WrappedKey {
            key_id: column::id(&id, KeyId::from_bytes)?,
            purpose: column::word(Purpose::parse(&purpose), "a purpose")?,
            subject,
            class: class.map(|class| column::word(PayloadClass::parse(&class), "a class")).transpose()?,
            epoch,
            created_at: column::time(created),
            wrapped: bytes,
            audit_wrapped: audit,
        })
    };
    Ok(read())
}

/// Inserts wrapped keys; one that is there already stays as it is.
pub(crate) fn insert(connection: &Connection, tenant: TenantId, keys: &[WrappedKey]) -> rusqlite::Result<()> {
    for key in keys {
        connection
            .prepare(
                "INSERT INTO wrapped_key (tenant_id, key_id, purpose, subject, class, epoch, created_at, wrapped, audit_wrapped)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (tenant_id, key_id) DO NOTHING",
            )?
            .execute(params![
                tenant.bytes(),
                key.key_id.bytes(),
                key.purpose.as_str(),
                key.subject,
                key.class.map(PayloadClass::as_str),
                key.epoch,
                key.created_at.ms(),
                key.wrapped,
                key.audit_wrapped
            ])?;
    }
    Ok(())
}

/// Whether a file holds the platform's audit key.
pub(crate) fn holds_audit_key(connection: &Connection, tenant: TenantId) -> Result<bool, Error> {
    let found: i64 = connection
        .query_row(
            "SELECT count(*) FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2",
            params![tenant.bytes(), Purpose::AuditKek.as_str()],
            |row| row.get(0),
        )
        .sql()?;
    Ok(found > 0)
}

/// What opens tenants: the root key and the platform's audit key.
pub(crate) struct Opener {
    root: RootKey,
    audit: AuditKek,
    clock: crate::Clock,
}

impl Opener {
    /// For a platform that is about to be made.
    pub(crate) fn first(
        root: RootKey,
        platform: TenantId,
        clock: crate::Clock,
    ) -> Result<(Self, WrappedKey), Error> {
        let (audit, row) = AuditKek::create(&root, platform, clock()).map_err(|error| fault(&error))?;
        Ok((Self { root, audit, clock }, row))
    }

    /// With the stored audit key. A wrong root key is found here.
    pub(crate) fn again(
        root: RootKey,
        connection: &Connection,
        platform: TenantId,
        clock: crate::Clock,
    ) -> Result<Self, Error> {
        let row = connection
            .query_row(
                &format!("SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2"),
                params![platform.bytes(), Purpose::AuditKek.as_str()],
                wrapped,
            )
            .sql()??;
        let audit = AuditKek::open(&root, platform, &row).map_err(|error| fault(&error))?;
        Ok(Self { root, audit, clock })
    }

    fn ring(&self, tenant: TenantId, keys: TenantKeys) -> Keyring {
        Keyring { tenant, keys, clock: std::sync::Arc::clone(&self.clock), kept: Mutex::new(Kept::default()) }
    }

    /// Draws the keys of a new tenant.
    pub(crate) fn create(
        &self,
        tenant: TenantId,
        ledger: LedgerId,
    ) -> Result<(Keyring, Vec<WrappedKey>), Error> {
        let now = (self.clock)();
        let (keys, rows) = TenantKeys::create(&self.root, &self.audit, tenant, ledger, now)
            .map_err(|error| fault(&error))?;
        Ok((self.ring(tenant, keys), rows))
    }

    /// Opens the keys of a tenant's file.
    pub(crate) fn open(
        &self,
        connection: &Connection,
        tenant: TenantId,
        ledger: LedgerId,
    ) -> Result<Keyring, Error> {
        let mut statement = connection
            .prepare(&format!("SELECT {COLUMNS} FROM wrapped_key WHERE tenant_id = ?1 AND purpose <> 'run'"))
            .sql()?;
        let rows = statement.query_map([tenant.bytes()], wrapped).sql()?;
        let rows = rows.map(|row| row.sql()?).collect::<Result<Vec<_>, Error>>()?;
        let keys = TenantKeys::open(&self.root, tenant, ledger, &rows).map_err(|error| fault(&error))?;
        Ok(self.ring(tenant, keys))
    }
}
