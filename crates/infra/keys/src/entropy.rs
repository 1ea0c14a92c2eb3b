//! Chance: the one source of ids, salts, nonces and keys, from the kernel (getrandom(2)).
//!
//! Not from the crypto library: its own source collects jitter for some 50 ms before the first draw, and a short command
//! would pay that for a dozen ids. The kernel's source is seeded long before anybody can start us.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// `N` bytes of cryptographic chance.
///
/// Without chance no key, nonce or id may be made and there is nothing to fall back to: this ends the process when the
/// system has none.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// So many of them from one draw.
pub fn each<const N: usize, const COUNT: usize>() -> [[u8; N]; COUNT] {
    let mut all = [[0; N]; COUNT];
    fill(all.as_flattened_mut());
    all
}

/// The same, for what is made at once. None is kept for later: a machine restored from a snapshot would use it twice.
pub fn several<const N: usize>(count: usize) -> Vec<[u8; N]> {
    let mut all = vec![[0; N]; count];
    fill(all.as_flattened_mut());
    all
}

/// Fills `bytes` with chance.
pub(crate) fn fill(bytes: &mut [u8]) {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match getrandom(rest, GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(_) => std::process::abort(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn two_draws_differ() {
        assert_ne!(super::random::<32>(), super::random::<32>());
        assert_ne!(super::random::<16>(), [0; 16]);
    }

    #[test]
    fn several_are_as_many_as_asked_for_and_all_of_them_differ() {
        let all: BTreeSet<[u8; 16]> = super::several(100).into_iter().chain(super::each::<16, 2>()).collect();
        assert_eq!(all.len(), 102);
        assert!(!all.contains(&[0; 16]));
        assert!(super::several::<16>(0).is_empty());
    }

    #[test]
    fn a_long_draw_is_filled_to_its_end() {
        let mut bytes = vec![0; 1 << 20];
        super::fill(&mut bytes);
        assert!(bytes.rchunks(64).next().is_some_and(|last| last.iter().any(|byte| *byte != 0)));
    }
}
