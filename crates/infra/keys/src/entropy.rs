//! Chance: the one source of ids, salts, nonces and keys.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// `N` bytes of cryptographic chance.
///
/// Without chance no key, nonce or id may be made and there is nothing to fall back to: like the library beneath, this
/// ends the process when the system has none.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// Fills `bytes` with chance.
pub(crate) fn fill(bytes: &mut [u8]) {
    if SystemRandom::new().fill(bytes).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_draws_differ() {
        assert_ne!(super::random::<32>(), super::random::<32>());
        assert_ne!(super::random::<16>(), [0; 16]);
    }
}
