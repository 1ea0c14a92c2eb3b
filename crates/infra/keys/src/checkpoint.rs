//! The signer of checkpoints (contract 7.3, layer 4): it signs what extends its last checkpoint, and nothing else.

use crate::error::Error;
use crate::root::RootKey;
use crate::secret::Secret;
use crate::wrap::{self, Above, Label, Purpose, WrappedKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use dvt_ledger::Hash;
use dvt_ledger::checkpoint::{Checkpoint, origin};
use dvt_ledger::note::{Signature, SignedNote};
use dvt_ledger::proof::verify_consistency;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::id::{KeyId, LedgerId, TenantId};
use dvt_model::time::Timestamp;

/// An Ed25519 key under the name of one ledger.
pub struct CheckpointSigner {
    id: KeyId,
    seed: Secret,
    key: VerifierKey,
}

fn pair(seed: &Secret) -> Result<Ed25519KeyPair, Error> {
    Ed25519KeyPair::from_seed_unchecked(seed.bytes()).map_err(|_| Error::Refused)
}

impl CheckpointSigner {
    pub(crate) fn create(
        root: &RootKey,
        tenant: TenantId,
        ledger: LedgerId,
        epoch: u32,
        now: Timestamp,
    ) -> Result<(Self, WrappedKey), Error> {
        let label = Label { subject: Some(&ledger.to_string()), epoch, ..Label::first(Purpose::Checkpoint) };
        let (id, seed, row) = wrap::create((Above::Root, &root.secret()?), tenant, &label, now)?;
        Ok((Self::new(id, seed, ledger)?, row))
    }

    /// Opens the stored key of a ledger. It hangs under the root: a sealer needs no other key of the tenant.
    pub fn open(root: &RootKey, tenant: TenantId, ledger: LedgerId, row: &WrappedKey) -> Result<Self, Error> {
        if row.subject.as_deref() != Some(ledger.to_string().as_str()) {
            return Err(Error::Decrypt);
        }
        let secret = root.secret()?;
        let above = (Above::Root, &secret);
        let seed = wrap::unwrap(above, tenant, row, Purpose::Checkpoint, &row.wrapped)?;
        Self::new(row.key_id, seed, ledger)
    }

    fn new(id: KeyId, seed: Secret, ledger: LedgerId) -> Result<Self, Error> {
        let public = pair(&seed)?.public_key().as_ref().try_into().map_err(|_| Error::Refused)?;
        let key = VerifierKey::new(&origin(ledger), public).map_err(|_| Error::Refused)?;
        Ok(Self { id, seed, key })
    }

    /// The id of the wrapped key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The public half, for whoever verifies.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    /// Signs `next` and gives the text of the note. `proof` shows that it extends `previous`, the last one signed;
    /// `None` where there is none.
    // INVARIANT(INV-03): no fork and no rollback is ever signed, whatever the store says.
    pub fn sign(
        &self,
        previous: Option<&Checkpoint>,
        next: &Checkpoint,
        proof: &[Hash],
    ) -> Result<String, Error> {
        self.sign_beside(None, previous, next, proof)
    }

    /// The same with a second signature: of `before`, the key that this one replaces (contract 7.3: the checkpoint that
    /// announces a new key bears both).
    pub fn sign_beside(
        &self,
        before: Option<&Self>,
        previous: Option<&Checkpoint>,
        next: &Checkpoint,
        proof: &[Hash],
    ) -> Result<String, Error> {
        if before.is_some_and(|before| before.key.name() != self.key.name()) {
            return Err(Error::NotSigned("the key before is another ledger's"));
        }
        if next.origin != self.key.name() || previous.is_some_and(|previous| previous.origin != next.origin) {
            return Err(Error::NotSigned("it is of another ledger"));
        }
        if let Some(last) = previous
            && !verify_consistency(last.size, &last.root, next.size, &next.root, proof)
        {
            return Err(Error::NotSigned("it does not extend the last one"));
        }
        let text = next.body();
        let signers = before.into_iter().chain([self]);
        let signatures = signers.map(|signer| signer.signature(&text)).collect::<Result<_, Error>>()?;
        Ok(SignedNote { text, signatures }.to_string())
    }

    fn signature(&self, text: &str) -> Result<Signature, Error> {
        let bytes = pair(&self.seed)?.sign(text.as_bytes()).as_ref().to_vec();
        Ok(Signature { name: self.key.name().to_owned(), key_hash: self.key.hash(), bytes })
    }
}
