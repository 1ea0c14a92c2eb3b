//! What opens tenants: the root key's place and the row of the platform's audit key. It holds no plain key itself.

use super::keyring::{Keyring, Reopen, fault};
use super::rows;
use crate::port::error::Error;
use crate::sqlite::connect::{Access, connect};
use crate::sqlite::{Cached, Sql};
use dvt_keys::{AuditKek, CheckpointSigner, Custody, DataKey, Purpose, RootKey, TenantKeys, WrappedKey};
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::id::{LedgerId, TenantId};
use dvt_model::time::Timestamp;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Opens tenants' keys and makes new ones.
pub(crate) struct Opener {
    root: RootKey,
    platform: TenantId,
    audit: WrappedKey,
    clock: crate::Clock,
}

impl Opener {
    /// For a platform that is about to be made.
    pub(crate) fn first(
        root: RootKey,
        platform: TenantId,
        clock: crate::Clock,
    ) -> Result<(Self, WrappedKey), Error> {
        let (_, audit) = AuditKek::create(&root, platform, clock()).map_err(|error| fault(&error))?;
        Ok((Self { root, platform, audit: audit.clone(), clock }, audit))
    }

    /// With the stored audit key. A wrong root key is found here.
    pub(crate) fn again(
        root: RootKey,
        connection: &Connection,
        platform: TenantId,
        clock: crate::Clock,
    ) -> Result<Self, Error> {
        let columns = rows::COLUMNS;
        let audit = connection
            .cached_row(
                &format!("SELECT {columns} FROM wrapped_key WHERE tenant_id = ?1 AND purpose = ?2"),
                params![platform.bytes(), Purpose::AuditKek.as_str()],
                rows::wrapped,
            )
            .sql()??;
        let opener = Self { root, platform, audit, clock };
        opener.audit()?;
        Ok(opener)
    }

    fn audit(&self) -> Result<AuditKek, Error> {
        AuditKek::open(&self.root, self.platform, &self.audit).map_err(|error| fault(&error))
    }

    /// Looks whether the root key still opens what hangs under it.
    pub(crate) fn opens(&self) -> Result<(), Error> {
        self.audit().map(drop)
    }

    /// The platform tenant.
    pub(crate) fn platform(&self) -> TenantId {
        self.platform
    }

    /// Draws the key of a backup.
    pub(crate) fn backup_key(&self, now: Timestamp) -> Result<(DataKey, WrappedKey), Error> {
        dvt_keys::backup::create(&self.root, self.platform, now).map_err(|error| fault(&error))
    }

    /// Opens the key of a backup.
    pub(crate) fn open_backup(&self, platform: TenantId, row: &WrappedKey) -> Result<DataKey, Error> {
        dvt_keys::backup::open(&self.root, platform, row).map_err(|error| fault(&error))
    }

    /// Draws the keys of a new tenant.
    pub(crate) fn create(
        &self,
        tenant: TenantId,
        ledger: LedgerId,
    ) -> Result<(Keyring, Vec<WrappedKey>), Error> {
        let now = (self.clock)();
        let (keys, rows) = TenantKeys::create(&self.root, &self.audit()?, tenant, ledger, now)
            .map_err(|error| fault(&error))?;
        let never: Reopen = Box::new(|| Err(Error::Key("the file is not made yet".to_owned())));
        let ring = Keyring::new(tenant, keys, Arc::clone(&self.clock), never);
        ring.grant(ring.tenant_key()?.id());
        Ok((ring, rows))
    }

    /// Opens the keys of a tenant's file; the ring opens them again from the same file before they are too old.
    pub(crate) fn open(
        self: &Arc<Self>,
        connection: &Connection,
        (tenant, ledger): (TenantId, LedgerId),
        (path, vfs): (&Path, Option<&str>),
    ) -> Result<Keyring, Error> {
        let keys = self.keys(connection, tenant, ledger)?;
        let (here, path, vfs) = (Arc::clone(self), PathBuf::from(path), vfs.map(str::to_owned));
        let reopen: Reopen = Box::new(move || {
            let connection = connect(&path, vfs.as_deref(), Access::Read)?;
            here.keys(&connection, tenant, ledger)
        });
        Ok(Keyring::new(tenant, keys, Arc::clone(&self.clock), reopen))
    }

    fn keys(&self, connection: &Connection, tenant: TenantId, ledger: LedgerId) -> Result<TenantKeys, Error> {
        let rows = rows::of_tenant(connection, tenant)?;
        let keys = TenantKeys::open(&self.root, tenant, ledger, &rows).map_err(|error| fault(&error))?;
        // The platform's keys seal nothing of a tenant's, and are replaced when its own ledger is written to and not before.
        if let Some(in_use) = keys.in_use(Purpose::Dek).filter(|_| tenant != self.platform) {
            let age_ms = (self.clock)().ms_since(in_use.since);
            dvt_telemetry::data_key(tenant, Duration::from_millis(age_ms));
        }
        Ok(keys)
    }

    /// The next key of a purpose.
    pub(crate) fn replacement(
        &self,
        keys: &TenantKeys,
        ledger: LedgerId,
        purpose: Purpose,
    ) -> Result<WrappedKey, Error> {
        let audit = self.audit()?;
        let custody = Custody { root: &self.root, audit: &audit, ledger };
        keys.replacement(custody, purpose, (self.clock)()).map_err(|error| fault(&error))
    }

    /// The public half of a checkpoint key.
    pub(crate) fn public_key(
        &self,
        tenant: TenantId,
        ledger: LedgerId,
        row: &WrappedKey,
    ) -> Result<VerifierKey, Error> {
        let signer =
            CheckpointSigner::open(&self.root, tenant, ledger, row).map_err(|error| fault(&error))?;
        Ok(signer.verifier_key().clone())
    }
}
