//! The keys of one tenant: the KEK and what hangs under it, and the checkpoint key beside it.

use crate::audit::AuditKek;
use crate::checkpoint::CheckpointSigner;
use crate::data::DataKey;
use crate::error::Error;
use crate::mac::MacKey;
use crate::root::RootKey;
use crate::rotation::InUse;
use crate::secret::Secret;
use crate::wrap::{self, Above, Label, Purpose, WrappedKey};
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::digest::hex;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{KeyId, LedgerId, RunId, TenantId};
use dvt_model::time::Timestamp;

/// The opened keys of a tenant. Of a purpose with several epochs the highest is in use, the others open what is old.
// INVARIANT(INV-18): one KEK per tenant; every key below is random, wrapped by it, and bound to tenant and purpose.
pub struct TenantKeys {
    tenant: TenantId,
    /// The newest first. There is a second one only while it is being replaced.
    keks: Vec<Secret>,
    kek_in_use: InUse,
    deks: Epochs<DataKey>,
    macs: Epochs<MacKey>,
    links: Epochs<MacKey>,
    signers: Epochs<CheckpointSigner>,
    people: MacKey,
}

/// Keys of one purpose: the one in use, and those before.
struct Epochs<K> {
    in_use: InUse,
    current: K,
    /// The newest first: whoever asks which of several signed last must not be given another.
    older: Vec<(KeyId, K)>,
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
        let (_, kek, kek_row) = wrap::create((Above::Root, &root.secret()?), tenant, &label, now)?;
        let below = |purpose| wrap::create((Above::TenantKek, &kek), tenant, &Label::first(purpose), now);
        let (_, _, dek_row) = below(Purpose::Dek)?;
        let (mac_id, mac, mut mac_row) = below(Purpose::Mac)?;
        let (_, _, link_row) = below(Purpose::Link)?;
        let (_, _, people_row) = below(Purpose::PersonIndex)?;
        // The second wrapping lets the ledger's MACs be checked when the tenant and its KEK are gone.
        let above = (Above::AuditKek, audit.secret());
        mac_row.audit_wrapped = Some(wrap::wrap(above, tenant, mac_id, &Label::first(Purpose::Mac), &mac)?);
        let (_, signer_row) = CheckpointSigner::create(root, tenant, ledger, 1, now)?;
        let rows = vec![kek_row, dek_row, mac_row, link_row, signer_row, people_row];
        Ok((Self::open(root, tenant, ledger, &rows)?, rows))
    }

    /// Opens the stored keys of a tenant. Run and subject keys among the rows are left alone: they are opened when needed.
    pub fn open(
        root: &RootKey,
        tenant: TenantId,
        ledger: LedgerId,
        rows: &[WrappedKey],
    ) -> Result<Self, Error> {
        let secret = root.secret()?;
        let kek_rows: Vec<&WrappedKey> = newest(rows, Purpose::TenantKek).collect();
        let newest_kek = kek_rows.first().ok_or(Error::Missing(Purpose::TenantKek))?;
        let kek_in_use = in_use(newest_kek);
        let kek = |row: &&WrappedKey| {
            wrap::unwrap((Above::Root, &secret), tenant, row, Purpose::TenantKek, &row.wrapped)
        };
        let keks = kek_rows.iter().map(kek).collect::<Result<Vec<_>, Error>>()?;
        drop(secret);
        let below = |row: &WrappedKey| unwrap_by(&keks, tenant, row).map(|(_, secret)| secret);
        let data = |row: &WrappedKey| below(row).map(|secret| DataKey::new(row.key_id, secret));
        let mac = |row: &WrappedKey| below(row).map(|secret| MacKey::new(row.key_id, secret));
        let signer = |row: &WrappedKey| CheckpointSigner::open(root, tenant, ledger, row);
        let deks = epochs(rows, Purpose::Dek, data)?;
        let macs = epochs(rows, Purpose::Mac, mac)?;
        let links = epochs(rows, Purpose::Link, mac)?;
        let signers = epochs(rows, Purpose::Checkpoint, signer)?;
        let people = epochs(rows, Purpose::PersonIndex, mac)?.current;
        Ok(Self { tenant, keks, kek_in_use, deks, macs, links, signers, people })
    }

    /// Draws the key of a run and class. The row must be durable in the transaction that first uses it.
    pub fn new_run_key(
        &self,
        run: RunId,
        class: PayloadClass,
        now: Timestamp,
    ) -> Result<(DataKey, WrappedKey), Error> {
        self.new_data_key(Purpose::Run, &run.to_string(), class, now)
    }

    /// Draws the key of what a run holds about a person, in one class; `subject` is `<person>|<run>`.
    pub fn new_subject_key(
        &self,
        subject: &str,
        class: PayloadClass,
        now: Timestamp,
    ) -> Result<(DataKey, WrappedKey), Error> {
        self.new_data_key(Purpose::Subject, subject, class, now)
    }

    fn new_data_key(
        &self,
        purpose: Purpose,
        subject: &str,
        class: PayloadClass,
        now: Timestamp,
    ) -> Result<(DataKey, WrappedKey), Error> {
        let label = Label { purpose, subject: Some(subject), class: Some(class), epoch: 1 };
        let (id, secret, row) = wrap::create((Above::TenantKek, self.kek()), self.tenant, &label, now)?;
        Ok((DataKey::new(id, secret), row))
    }

    /// Opens a stored run or subject key.
    pub fn open_run_key(&self, row: &WrappedKey) -> Result<DataKey, Error> {
        if !matches!(row.purpose, Purpose::Run | Purpose::Subject) {
            return Err(Error::Purpose { given: row.purpose, expected: Purpose::Run });
        }
        let (_, secret) = self.unwrap_below(row)?;
        Ok(DataKey::new(row.key_id, secret))
    }

    /// Opens a stored key below the KEK and tells by which KEK, 0 being the newest.
    pub(crate) fn unwrap_below(&self, row: &WrappedKey) -> Result<(usize, Secret), Error> {
        unwrap_by(&self.keks, self.tenant, row)
    }

    /// The newest KEK.
    pub(crate) fn kek(&self) -> &Secret {
        // `open` refuses a tenant without one.
        self.keks.first().unwrap_or_else(|| std::process::abort())
    }

    /// How the rows of keys name a person: an HMAC, so that neither a copy of the file nor a list of names tells who it is.
    pub fn person(&self, value: &str) -> String {
        hex(&self.people.mac(value.as_bytes()))
    }

    /// Whose keys they are.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The key of a purpose that is in use; `None` for purposes of many keys.
    pub fn in_use(&self, purpose: Purpose) -> Option<InUse> {
        match purpose {
            Purpose::TenantKek => Some(self.kek_in_use),
            Purpose::Dek => Some(self.deks.in_use),
            Purpose::Mac => Some(self.macs.in_use),
            Purpose::Link => Some(self.links.in_use),
            Purpose::Checkpoint => Some(self.signers.in_use),
            Purpose::Run | Purpose::Subject | Purpose::AuditKek | Purpose::PersonIndex | Purpose::Backup => {
                None
            }
        }
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

    /// The newest signer, in use or not, among these public keys. Where two of them signed one checkpoint, it is the one that
    /// came then; the other is retired and signs nothing any more.
    // INVARIANT(INV-03): a retired key is never asked to sign, not even the coming of the next.
    pub fn newest_signer_of(&self, keys: &[VerifierKey]) -> Option<&CheckpointSigner> {
        self.signers.all().find(|signer| keys.contains(signer.verifier_key()))
    }

    /// The public keys of all signers there were, the newest first.
    pub fn verifier_keys(&self) -> Vec<VerifierKey> {
        self.signers.all().map(|signer| signer.verifier_key().clone()).collect()
    }

    /// The key that authenticates what processes of this installation send each other about the tenant.
    pub fn link_key(&self) -> &MacKey {
        &self.links.current
    }

    /// Whether a MAC is right under the link key in use or one of those before.
    pub fn verify_link(&self, message: &[u8], mac: &[u8]) -> bool {
        self.links.all().any(|key| key.verify(message, mac))
    }
}

impl<K> Epochs<K> {
    fn find(&self, id: KeyId, id_of: impl Fn(&K) -> KeyId) -> Option<&K> {
        if id_of(&self.current) == id {
            Some(&self.current)
        } else {
            self.older.iter().find_map(|(older, key)| (*older == id).then_some(key))
        }
    }

    fn all(&self) -> impl Iterator<Item = &K> {
        std::iter::once(&self.current).chain(self.older.iter().map(|(_, key)| key))
    }
}

fn unwrap_by(keks: &[Secret], tenant: TenantId, row: &WrappedKey) -> Result<(usize, Secret), Error> {
    let mut last = Error::Missing(Purpose::TenantKek);
    for (place, kek) in keks.iter().enumerate() {
        match wrap::unwrap((Above::TenantKek, kek), tenant, row, row.purpose, &row.wrapped) {
            Ok(secret) => return Ok((place, secret)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn in_use(row: &WrappedKey) -> InUse {
    InUse { key_id: row.key_id, epoch: row.epoch, since: row.created_at }
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
    let row = rows.next().ok_or(Error::Missing(purpose))?;
    let current = open(row)?;
    let older = rows.map(|row| Ok((row.key_id, open(row)?))).collect::<Result<_, Error>>()?;
    Ok(Epochs { in_use: in_use(row), current, older })
}
