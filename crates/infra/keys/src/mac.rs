//! HMAC-SHA-256: MACs of blocks and of forwarded authorization envelopes.

use crate::secret::Secret;
use aws_lc_rs::hmac;
use dvt_model::id::KeyId;

/// A key that authenticates and does nothing else.
pub struct MacKey {
    id: KeyId,
    secret: Secret,
}

impl MacKey {
    pub(crate) fn new(id: KeyId, secret: Secret) -> Self {
        Self { id, secret }
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The MAC of a message.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        sign(&self.secret, message)
    }

    /// Whether `mac` is that of the message, in constant time.
    pub fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        verify(&self.secret, message, mac)
    }
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.bytes())
}

pub(crate) fn sign(secret: &Secret, message: &[u8]) -> [u8; 32] {
    let mut mac = [0; 32];
    mac.copy_from_slice(hmac::sign(&key(secret), message).as_ref());
    mac
}

/// The whole tag of 32 bytes; a cut one is refused.
pub(crate) fn verify(secret: &Secret, message: &[u8], mac: &[u8]) -> bool {
    hmac::verify(&key(secret), message, mac).is_ok()
}
