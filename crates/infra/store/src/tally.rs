//! How far a long look at the store, or a copy of it, has come: what is counted now, how much of it is done, and of how much.
//!
//! It decides nothing and promises nothing: whoever waits may read it, and nobody has to. Whoever waits no longer says so here too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Pages of a database; it is not told how many of them are done.
    Pages,
    /// Wrapped keys, tried one by one.
    Keys,
    /// Blobs, opened.
    Blobs,
    /// Entries of a ledger, verified.
    Entries,
    /// Bytes put into a backup.
    BytesIn,
    /// Bytes of a backup, read once more.
    BytesBack,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// What is counted.
    pub what: What,
    /// So many are done.
    pub done: u64,
    /// Of so many, as they were counted before; while others write it may become more.
    pub total: u64,
}

/// The count as it is now; none before anything was begun.
#[derive(Debug, Default)]
pub struct Tally {
    count: Mutex<Option<Count>>,
    is_given_up: AtomicBool,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Option<Count>> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something else is counted from here on.
    pub fn begin(&self, what: What, total: u64) {
        *self.lock() = Some(Count { what, done: 0, total });
    }

    /// More of it is done.
    pub fn add(&self, more: u64) {
        if let Some(count) = self.lock().as_mut() {
            count.done = count.done.saturating_add(more);
        }
    }

    /// Nobody waits any longer. A backup ends then, and nothing is kept of it; what only looks goes on.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any longer.
    pub(crate) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Relaxed)
    }

    /// The count as it is now.
    pub fn read(&self) -> Option<Count> {
        *self.lock()
    }
}
