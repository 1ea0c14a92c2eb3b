//! Wrapped keys: how a key lies in a store. Plain data, useless without the key above it.
//!
//! Everything that a row says about a key is authenticated with it: a run key of one run cannot be passed off as that of
//! another, nor an old epoch as a new one.

use crate::error::Error;
use crate::seal;
use crate::secret::Secret;
use dvt_model::canonical;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, TenantId};
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a key is for: one key per purpose (INV-18).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Wraps the tenant's other keys.
    TenantKek,
    /// Seals columns that belong to no run.
    Dek,
    /// Authenticates blocks.
    Mac,
    /// Seals payloads of one run and class.
    Run,
    /// Signs checkpoints.
    Checkpoint,
    /// Wraps MAC keys a second time; the platform's.
    AuditKek,
    /// Authenticates what processes send each other.
    Link,
    /// Seals payloads of one run and class that are about one person.
    Subject,
    /// Names persons in rows of keys, so that no row holds a name.
    PersonIndex,
    /// Seals one backup; under the root.
    Backup,
}

impl Purpose {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::TenantKek,
        Self::Dek,
        Self::Mac,
        Self::Run,
        Self::Checkpoint,
        Self::AuditKek,
        Self::Link,
        Self::Subject,
        Self::PersonIndex,
        Self::Backup,
    ];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantKek => "tenant-kek",
            Self::Dek => "dek",
            Self::Mac => "mac",
            Self::Run => "run",
            Self::Checkpoint => "checkpoint",
            Self::AuditKek => "audit-kek",
            Self::Link => "link",
            Self::Subject => "subject",
            Self::PersonIndex => "person-index",
            Self::Backup => "backup",
        }
    }

    /// How long a key of this purpose may be in use (INV-19); `None` where it ends with what it seals.
    pub const fn longest_use_days(self) -> Option<u64> {
        match self {
            Self::Dek | Self::Mac | Self::Checkpoint | Self::Link => Some(90),
            Self::TenantKek => Some(365),
            Self::Run | Self::Subject | Self::AuditKek | Self::PersonIndex | Self::Backup => None,
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|purpose| purpose.as_str() == text)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A row of `wrapped_key`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WrappedKey {
    /// The key's id.
    pub key_id: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is within the tenant: a run's id; of a subject key, who it is about (an HMAC) and the run, `<hex>|<run>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The payload class, of a run or subject key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<PayloadClass>,
    /// Rises by one with each rotation, from 1.
    pub epoch: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// The key under the one above it.
    pub wrapped: Vec<u8>,
    /// A MAC key under the platform's audit KEK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_wrapped: Option<Vec<u8>>,
}

/// Which key is above.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Above {
    Root,
    TenantKek,
    AuditKek,
}

/// What identifies a new key.
pub(crate) struct Label<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) subject: Option<&'a str>,
    pub(crate) class: Option<PayloadClass>,
    pub(crate) epoch: u32,
}

impl Label<'_> {
    /// The first key of a purpose that has no subject.
    pub(crate) fn first(purpose: Purpose) -> Self {
        Self { purpose, subject: None, class: None, epoch: 1 }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Canonical<'a> {
    v: u8,
    wrapped_by: Above,
    tenant_id: TenantId,
    key_id: KeyId,
    purpose: Purpose,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<PayloadClass>,
    epoch: u32,
}

// INVARIANT(INV-18): purpose and tenant are part of what is authenticated, so no key serves a second purpose or tenant.
fn aad(above: Above, tenant: TenantId, key_id: KeyId, label: &Label<'_>) -> Result<Vec<u8>, Error> {
    let Label { purpose, subject, class, epoch } = *label;
    canonical::of(&Canonical {
        v: 1,
        wrapped_by: above,
        tenant_id: tenant,
        key_id,
        purpose,
        subject,
        class,
        epoch,
    })
    .map_err(|_| Error::Refused)
}

/// Draws a key and wraps it.
pub(crate) fn create(
    above: (Above, &Secret),
    tenant: TenantId,
    label: &Label<'_>,
    now: Timestamp,
) -> Result<(KeyId, Secret, WrappedKey), Error> {
    let (key_id, secret) = (KeyId::at(now, crate::entropy::random()), Secret::draw());
    let wrapped = wrap(above, tenant, key_id, label, &secret)?;
    let row = WrappedKey {
        key_id,
        purpose: label.purpose,
        subject: label.subject.map(str::to_owned),
        class: label.class,
        epoch: label.epoch,
        created_at: now,
        wrapped,
        audit_wrapped: None,
    };
    Ok((key_id, secret, row))
}

/// Wraps a key.
pub(crate) fn wrap(
    (above, by): (Above, &Secret),
    tenant: TenantId,
    key_id: KeyId,
    label: &Label<'_>,
    secret: &Secret,
) -> Result<Vec<u8>, Error> {
    seal::seal(by, &aad(above, tenant, key_id, label)?, secret.bytes())
}

/// Unwraps `bytes`, which is one of the wrapped forms of `row`, after checking what the row is for.
pub(crate) fn unwrap(
    (above, by): (Above, &Secret),
    tenant: TenantId,
    row: &WrappedKey,
    expected: Purpose,
    bytes: &[u8],
) -> Result<Secret, Error> {
    if row.purpose != expected {
        return Err(Error::Purpose { given: row.purpose, expected });
    }
    let label =
        Label { purpose: row.purpose, subject: row.subject.as_deref(), class: row.class, epoch: row.epoch };
    let plain = seal::open(by, &aad(above, tenant, row.key_id, &label)?, bytes)?;
    Secret::from_slice(&plain).ok_or(Error::Decrypt)
}
