//! Chance, from the kernel. Ids are drawn here and nowhere else in the binary.

use std::process::abort;

/// Bytes of chance. Without a random source no id may be drawn, so the process ends.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0u8; N];
    let mut filled = 0;
    while filled < N {
        let Some(rest) = out.get_mut(filled..) else { abort() };
        match rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => abort(),
        }
    }
    out
}
