//! Keys that seal data: the tenant's DEK and the run keys.

use crate::aad::Aad;
use crate::error::Error;
use crate::mac;
use crate::seal::Cipher;
use crate::secret::Secret;
use dvt_model::id::KeyId;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// The label of the key that [`DataKey::hmac`] uses, so that sealing and comparing never share one.
const HMAC_LABEL: &[u8] = b"dvt.data-key.hmac.v1";

/// A key that seals values to their places.
pub struct DataKey {
    id: KeyId,
    secret: Secret,
    /// Expanded at the first use: many keys are opened for one comparison.
    cipher: OnceLock<Cipher>,
}

impl DataKey {
    pub(crate) fn new(id: KeyId, secret: Secret) -> Self {
        Self { id, secret, cipher: OnceLock::new() }
    }

    /// Its id, as commitments and rows name it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a value to its place: `nonce || ciphertext || tag`, 28 bytes longer than the value.
    pub fn seal(&self, aad: &Aad<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.cipher()?.seal(&aad.bytes(self.id)?, plain)
    }

    /// Opens a value at its place; at any other, under another key or with a bit changed it is [`Error::Decrypt`].
    pub fn open(&self, aad: &Aad<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.cipher()?.open(&aad.bytes(self.id)?, sealed)
    }

    fn cipher(&self) -> Result<&Cipher, Error> {
        if let Some(cipher) = self.cipher.get() {
            return Ok(cipher);
        }
        let cipher = Cipher::new(&self.secret)?;
        Ok(self.cipher.get_or_init(|| cipher))
    }

    /// Compares values without keeping them: HMAC-SHA-256 under `HMAC(key, "dvt.data-key.hmac.v1")`.
    ///
    /// This one subkey is made from a data key, so that it ends with it; no level of the hierarchy is ever derived.
    pub fn hmac(&self, message: &[u8]) -> [u8; 32] {
        let mut subkey = mac::sign(&self.secret, HMAC_LABEL);
        mac::sign(&Secret::take(&mut subkey), message)
    }
}
