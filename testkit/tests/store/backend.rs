//! What a backend must be able to do for the suite: open, fail at a commit in the three ways there are, and hold commits back.
//!
//! SQLite is the first; another one implements these two traits and adds itself to `matrix::BACKENDS`.

use dvt_store::{Clock, Store};

/// A kind of database.
pub(crate) trait Backend {
    /// Its name in the printed matrix.
    fn name(&self) -> &'static str;
    /// A fresh installation of it.
    fn install(&self) -> Box<dyn Installation>;
}

/// One database with its root key and blobs.
pub(crate) trait Installation: Send + Sync {
    /// Opens a store on it, as a process does at its start.
    fn open(&self, clock: &Clock) -> Store;
    /// The next commit fails and nothing of it stays.
    fn lose_next_commit(&self);
    /// The next commit becomes durable, but nobody hears of it: the database is gone with the answer.
    fn lose_next_answer(&self);
    /// After a lost answer: the same database again, as it survived.
    fn survive(self: Box<Self>) -> Box<dyn Installation>;
    /// Commits wait from now on.
    fn hold_commits(&self);
    /// They go on.
    fn release_commits(&self);
}
