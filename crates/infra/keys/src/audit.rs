//! The platform's audit KEK: it wraps every MAC key a second time, so that ledgers stay provable when a tenant's KEK is
//! destroyed (contract 6.4).

use crate::error::Error;
use crate::mac::MacKey;
use crate::root::RootKey;
use crate::secret::Secret;
use crate::wrap::{self, Above, Label, Purpose, WrappedKey};
use dvt_model::id::TenantId;
use dvt_model::time::Timestamp;

/// A key that wraps MAC keys and nothing else.
pub struct AuditKek {
    secret: Secret,
}

impl AuditKek {
    /// Draws one for the platform, whose own tenant id is `platform`.
    pub fn create(root: &RootKey, platform: TenantId, now: Timestamp) -> Result<(Self, WrappedKey), Error> {
        let label = Label::first(Purpose::AuditKek);
        let (_, secret, row) = wrap::create((Above::Root, &root.secret()?), platform, &label, now)?;
        Ok((Self { secret }, row))
    }

    /// Opens the stored one.
    pub fn open(root: &RootKey, platform: TenantId, row: &WrappedKey) -> Result<Self, Error> {
        let secret = root.secret()?;
        let above = (Above::Root, &secret);
        Ok(Self { secret: wrap::unwrap(above, platform, row, Purpose::AuditKek, &row.wrapped)? })
    }

    /// Opens a MAC key of `tenant` by its second wrapping: what remains when the tenant's KEK is gone.
    pub fn open_mac(&self, tenant: TenantId, row: &WrappedKey) -> Result<MacKey, Error> {
        let wrapped = row.audit_wrapped.as_deref().ok_or(Error::Missing(Purpose::AuditKek))?;
        let secret = wrap::unwrap((Above::AuditKek, &self.secret), tenant, row, Purpose::Mac, wrapped)?;
        Ok(MacKey::new(row.key_id, secret))
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}
