//! SQLite's own file operations with one change: the frames of a commit go into the write-ahead log in one write.
//!
//! SQLite writes each frame in two calls, some twenty for a small commit. Here they are gathered while the connection holds
//! the write lock, and the page that completes the commit writes them all, in their order, before SQLite hears of its success;
//! the sync follows as ever. Nothing else is changed, not a byte of any file: a log written here is read, recovered and written on by
//! SQLite without us, and beside us. The one surprising rule: what is gathered never outlives the write lock.
//!
//! The rules of gathering are in `gathering`, without `unsafe` and without SQLite; `files` and `register` put them into SQLite's
//! tables of C functions.

mod faults;
mod files;
mod gathering;
mod register;
#[cfg(test)]
mod tests;

pub use register::{Error, over};
