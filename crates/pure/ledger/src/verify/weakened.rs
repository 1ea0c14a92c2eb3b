//! A verifier with a check taken out, for positive controls: a harness that still finds everything has looked at nothing.
//!
//! Only compiled with the feature `weakened`, which no shipped crate turns on.

use std::sync::atomic::{AtomicU32, Ordering};

/// A check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Check {
    /// Stored leaves against computed ones.
    Leaf = 1,
    /// Roots against signed ones.
    Root = 2,
    /// The order of checkpoint keys.
    Rotation = 4,
    /// Pruning against what is announced.
    Pruning = 8,
    /// MACs.
    Mac = 16,
    /// Commitments of payloads.
    Payload = 32,
    /// Tombstones of keys that are gone.
    Tombstone = 64,
    /// The reader's own checkpoint.
    Anchor = 128,
}

static OUT: AtomicU32 = AtomicU32::new(0);

/// Takes one check out of every verification of this process, or puts it back in.
pub fn without(check: Option<Check>) {
    OUT.store(check.map_or(0, |check| check as u32), Ordering::SeqCst);
}

pub(super) fn is_out(check: Check) -> bool {
    OUT.load(Ordering::SeqCst) & check as u32 != 0
}
