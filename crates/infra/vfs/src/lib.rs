//! SQLite's own file operations with two changes: the frames of a commit go into the write-ahead log in one write, and the log
//! grows ahead of them.
//!
//! SQLite writes each frame in two calls, some twenty for a small commit. Here they are gathered while the connection holds
//! the write lock, and the page that completes the commit writes them all, in their order, before SQLite hears of its success;
//! the sync follows as ever. Behind a commit that makes the log longer lie zeros, which the next commits write over (`ahead`). Nothing
//! else is changed, not a byte of any file: a log written here is read, recovered and written on by SQLite without us, and beside us. The one surprising rule: what is gathered never outlives the write lock.
//!
//! The rules of gathering are in `gathering`, without `unsafe` and without SQLite; `files` and `register` put them into SQLite's
//! tables of C functions.

mod ahead;
mod faults;
mod files;
mod gathering;
mod register;
#[cfg(test)]
mod tests;

pub use register::{Error, over};
