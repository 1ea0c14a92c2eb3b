//! 32 bytes that nobody sees: the inside of every key type.
//!
//! On the heap, so that moving the owner moves a pointer and leaves no copy behind.
// INVARIANT(INV-02): no `Debug`, `Display`, `Clone`, `Serialize`; zeroized on drop.

use zeroize::Zeroize as _;

pub(crate) struct Secret(Box<[u8; 32]>);

impl Secret {
    /// A new one, drawn in place.
    pub(crate) fn draw() -> Self {
        let mut secret = Self(Box::new([0; 32]));
        crate::entropy::fill(secret.0.as_mut_slice());
        secret
    }

    /// Takes 32 bytes over; any other length is `None`. The caller zeroizes its own copy.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self(Box::new([0; 32]));
        (bytes.len() == secret.0.len()).then(|| secret.0.copy_from_slice(bytes)).map(|()| secret)
    }

    /// Takes 32 bytes over and zeroizes where they came from.
    pub(crate) fn take(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(Box::new(*bytes));
        bytes.zeroize();
        secret
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
