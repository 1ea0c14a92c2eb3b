//! AES-256-GCM as DVT uses it: a fresh random 96-bit nonce before the ciphertext, a 128-bit tag behind it.

use crate::error::Error;
use crate::secret::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

#[cfg(test)]
mod wycheproof;

/// Bytes of the nonce.
const NONCE: usize = 12;
/// Bytes of the tag.
const TAG: usize = 16;

/// A secret with its key schedule, which the crypto library keeps on its own heap and wipes when this ends.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    /// Expands the secret.
    pub(crate) fn new(secret: &Secret) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, secret.bytes()).map_err(|_| Error::Refused)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals under a fresh nonce: `nonce || ciphertext || tag`.
    pub(crate) fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        seal_with_nonce(self, crate::entropy::random(), aad, plain)
    }

    /// Opens what [`Cipher::seal`] gave. Every failure is the same one.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(Error::Decrypt)?;
        let mut text = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(aad), &mut text).map_err(|_| Error::Decrypt)?;
        let length = opened.len();
        text.truncate(length);
        Ok(text)
    }
}

/// Seals once; whoever seals often keeps a [`Cipher`].
pub(crate) fn seal(secret: &Secret, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    Cipher::new(secret)?.seal(aad, plain)
}

/// Private to this module and its vectors: nobody else may choose a nonce.
fn seal_with_nonce(cipher: &Cipher, nonce: [u8; NONCE], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(NONCE + plain.len() + TAG);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    let (_, text) = out.split_at_mut(NONCE);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = cipher.0.seal_in_place_separate_tag(nonce, Aad::from(aad), text).map_err(|_| Error::Refused)?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

/// Opens once what [`seal`] gave.
pub(crate) fn open(secret: &Secret, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    Cipher::new(secret)?.open(aad, sealed)
}
