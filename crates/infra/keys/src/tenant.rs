//! The keys of one tenant: the KEK and what hangs under it, and the checkpoint key beside it.

use crate::audit::AuditKek;
use crate::checkpoint::CheckpointSigner;
use crate::data::DataKey;
use crate::error::Error;
use crate::mac::MacKey;
use crate::root::RootKey;
use crate::secret::Secret;
use crate::wrap::{self, Above, Label, Purpose, WrappedKey};
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, LedgerId, RunId, TenantId};
use dvt_model::time::Timestamp;
use std::collections::BTreeMap;

/// The opened keys of a tenant. Of a purpose with several epochs the highest is in use, the others open what is old.
// INVARIANT(INV-18): one KEK per tenant; every key below is random, wrapped by it, and bound to tenant and purpose.
pub struct TenantKeys {
    tenant: TenantId,
    kek: Secret,
    deks: Epochs<DataKey>,
    macs: Epochs<MacKey>,
    links: Epochs<MacKey>,
    signers: Epochs<CheckpointSigner>,
}

/// Keys of one purpose: the one in use, and those before.
struct Epochs<K> {
    current: K,
    older: BTreeMap<KeyId, K>,
}

impl TenantKeys {
    /// Draws all keys of a new tenant. The rows must be durable before anything is sealed under them.
    pub fn create(
        root: &RootKey,
        audit: &AuditKek,
        tenant: TenantId,
        ledger: LedgerId,
        now: Timestamp,
    ) -> Result<(Self, Vec<WrappedKey>), Error> {
        let label = Label::first(Purpose::TenantKek);
        let (_, kek, kek_row) = wrap::create((Above::Root, root.secret()), tenant, &label, now)?;
        let below = |purpose| wrap::create((Above::TenantKek, &kek), tenant, &Label::first(purpose), now);
        let (dek_id, dek, dek_row) = below(Purpose::Dek)?;
        let (mac_id, mac, mut mac_row) = below(Purpose::Mac)?;
        let (link_id, link, link_row) = below(Purpose::Link)?;
        // The second wrapping lets the ledger's MACs be checked when the tenant and its KEK are gone.
        let above = (Above::AuditKek, audit.secret());
        mac_row.audit_wrapped = Some(wrap::wrap(above, tenant, mac_id, &Label::first(Purpose::Mac), &mac)?);
        let (signer, signer_row) = CheckpointSigner::create(root, tenant, ledger, now)?;
        let keys = Self {
            tenant,
            kek,
            deks: Epochs { current: DataKey::new(dek_id, dek), older: BTreeMap::new() },
            macs: Epochs { current: MacKey::new(mac_id, mac), older: BTreeMap::new() },
            links: Epochs { current: MacKey::new(link_id, link), older: BTreeMap::new() },
            signers: Epochs { current: signer, older: BTreeMap::new() },
        };
        Ok((keys, vec![kek_row, dek_row, mac_row, link_row, signer_row]))
    }

    /// Opens the stored keys of a tenant. Run keys among the rows are left alone: they are opened when needed.
    pub fn open(
        root: &RootKey,
        tenant: TenantId,
        ledger: LedgerId,
        rows: &[WrappedKey],
    ) -> Result<Self, Error> {
        let kek_row = newest(rows, Purpose::TenantKek).next().ok_or(Error::Missing(Purpose::TenantKek))?;
        let above = (Above::Root, root.secret());
        let kek = wrap::unwrap(above, tenant, kek_row, Purpose::TenantKek, &kek_row.wrapped)?;
        let below =
            |row: &WrappedKey| wrap::unwrap((Above::TenantKek, &kek), tenant, row, row.purpose, &row.wrapped);
        let data = |row: &WrappedKey| below(row).map(|secret| DataKey::new(row.key_id, secret));
        let mac = |row: &WrappedKey| below(row).map(|secret| MacKey::new(row.key_id, secret));
        let signer = |row: &WrappedKey| CheckpointSigner::open(root, tenant, ledger, row);
        let deks = epochs(rows, Purpose::Dek, data)?;
        let macs = epochs(rows, Purpose::Mac, mac)?;
        let links = epochs(rows, Purpose::Link, mac)?;
        let signers = epochs(rows, Purpose::Checkpoint, signer)?;
        Ok(Self { tenant, kek, deks, macs, links, signers })
    }

    /// Draws the key of a run and class. The row must be durable in the transaction that first uses it.
    pub fn new_run_key(
        &self,
        run: RunId,
        class: PayloadClass,
        now: Timestamp,
    ) -> Result<(DataKey, WrappedKey), Error> {
        let subject = run.to_string();
        let label = Label { purpose: Purpose::Run, subject: Some(&subject), class: Some(class), epoch: 1 };
        let (id, secret, row) = wrap::create((Above::TenantKek, &self.kek), self.tenant, &label, now)?;
        Ok((DataKey::new(id, secret), row))
    }

    /// Opens a stored run key.
    pub fn open_run_key(&self, row: &WrappedKey) -> Result<DataKey, Error> {
        let above = (Above::TenantKek, &self.kek);
        let secret = wrap::unwrap(above, self.tenant, row, Purpose::Run, &row.wrapped)?;
        Ok(DataKey::new(row.key_id, secret))
    }

    /// Whose keys they are.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The data key in use.
    pub fn dek(&self) -> &DataKey {
        &self.deks.current
    }

    /// The data key that something was sealed under.
    pub fn dek_by_id(&self, id: KeyId) -> Option<&DataKey> {
        self.deks.find(id, DataKey::id)
    }

    /// The id of the MAC key in use.
    pub fn mac_key_id(&self) -> KeyId {
        self.macs.current.id()
    }

    /// A MAC under the key in use.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        self.macs.current.mac(message)
    }

    /// Whether this tenant has the MAC key.
    pub fn has_mac_key(&self, id: KeyId) -> bool {
        self.macs.find(id, MacKey::id).is_some()
    }

    /// Whether a MAC is right under the key it names, in constant time; `false` for a key that is not there.
    pub fn verify_mac(&self, id: KeyId, message: &[u8], mac: &[u8]) -> bool {
        self.macs.find(id, MacKey::id).is_some_and(|key| key.verify(message, mac))
    }

    /// The signer of checkpoints in use.
    pub fn signer(&self) -> &CheckpointSigner {
        &self.signers.current
    }

    /// The public keys of all signers there were, the one in use first.
    pub fn verifier_keys(&self) -> Vec<dvt_ledger::verifier_key::VerifierKey> {
        let all = std::iter::once(&self.signers.current).chain(self.signers.older.values());
        all.map(|signer| signer.verifier_key().clone()).collect()
    }

    /// The key that authenticates what processes of this installation send each other about the tenant.
    pub fn link_key(&self) -> &MacKey {
        &self.links.current
    }
}

impl<K> Epochs<K> {
    fn find(&self, id: KeyId, id_of: impl Fn(&K) -> KeyId) -> Option<&K> {
        if id_of(&self.current) == id { Some(&self.current) } else { self.older.get(&id) }
    }
}

/// The rows of a purpose, the highest epoch first.
fn newest(rows: &[WrappedKey], purpose: Purpose) -> impl Iterator<Item = &WrappedKey> {
    let mut found: Vec<&WrappedKey> = rows.iter().filter(|row| row.purpose == purpose).collect();
    found.sort_by_key(|row| std::cmp::Reverse(row.epoch));
    found.into_iter()
}

fn epochs<K>(
    rows: &[WrappedKey],
    purpose: Purpose,
    open: impl Fn(&WrappedKey) -> Result<K, Error>,
) -> Result<Epochs<K>, Error> {
    let mut rows = newest(rows, purpose);
    let current = open(rows.next().ok_or(Error::Missing(purpose))?)?;
    let older = rows.map(|row| Ok((row.key_id, open(row)?))).collect::<Result<_, Error>>()?;
    Ok(Epochs { current, older })
}
