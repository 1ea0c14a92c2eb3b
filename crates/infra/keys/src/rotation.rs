//! Replacing keys: the next key of each purpose, and what hangs under an old KEK wrapped again by the new one.
//!
//! It decides nothing: when a key is replaced, and that its row is durable before it is used, is the store's. Surprising: while a
//! KEK is being replaced both open what hangs below, because its keys are wrapped again a few at a time.

use crate::audit::AuditKek;
use crate::checkpoint::CheckpointSigner;
use crate::error::Error;
use crate::root::RootKey;
use crate::tenant::TenantKeys;
use crate::wrap::{self, Above, Label, Purpose, WrappedKey};
use dvt_model::id::{KeyId, LedgerId};
use dvt_model::time::Timestamp;

/// What is needed to make a key that does not hang under the KEK alone.
#[derive(Clone, Copy)]
pub struct Custody<'a> {
    /// Above KEK and checkpoint key.
    pub root: &'a RootKey,
    /// Wraps MAC keys a second time.
    pub audit: &'a AuditKek,
    /// Whose checkpoints are signed.
    pub ledger: LedgerId,
}

/// The key of a purpose that is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InUse {
    /// Its id.
    pub key_id: KeyId,
    /// Its number.
    pub epoch: u32,
    /// When it was made.
    pub since: Timestamp,
}

impl TenantKeys {
    /// The next key of a purpose. It is in use once its row is durable and the keys are opened again.
    pub fn replacement(
        &self,
        custody: Custody<'_>,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<WrappedKey, Error> {
        let epoch = self.in_use(purpose).ok_or(Error::Missing(purpose))?.epoch.saturating_add(1);
        let label = Label { epoch, ..Label::first(purpose) };
        let tenant = self.tenant();
        match purpose {
            Purpose::TenantKek => {
                let secret = custody.root.secret()?;
                Ok(wrap::create((Above::Root, &secret), tenant, &label, now)?.2)
            }
            Purpose::Checkpoint => {
                let made = CheckpointSigner::create(custody.root, tenant, custody.ledger, epoch, now)?;
                Ok(made.1)
            }
            Purpose::Mac => {
                let (id, secret, mut row) =
                    wrap::create((Above::TenantKek, self.kek()), tenant, &label, now)?;
                let above = (Above::AuditKek, custody.audit.secret());
                row.audit_wrapped = Some(wrap::wrap(above, tenant, id, &label, &secret)?);
                Ok(row)
            }
            Purpose::Dek | Purpose::Link => {
                Ok(wrap::create((Above::TenantKek, self.kek()), tenant, &label, now)?.2)
            }
            Purpose::Run | Purpose::Subject | Purpose::AuditKek | Purpose::PersonIndex | Purpose::Backup => {
                Err(Error::Refused)
            }
        }
    }

    /// The row of a key below the KEK, wrapped by the newest one; `None` where it is already, or hangs under the root.
    pub fn wrapped_again(&self, row: &WrappedKey) -> Result<Option<WrappedKey>, Error> {
        if matches!(
            row.purpose,
            Purpose::TenantKek | Purpose::Checkpoint | Purpose::AuditKek | Purpose::Backup
        ) {
            return Ok(None);
        }
        let (by, secret) = self.unwrap_below(row)?;
        if by == 0 {
            return Ok(None);
        }
        let label = Label {
            purpose: row.purpose,
            subject: row.subject.as_deref(),
            class: row.class,
            epoch: row.epoch,
        };
        let wrapped = wrap::wrap((Above::TenantKek, self.kek()), self.tenant(), row.key_id, &label, &secret)?;
        Ok(Some(WrappedKey { wrapped, ..row.clone() }))
    }
}
