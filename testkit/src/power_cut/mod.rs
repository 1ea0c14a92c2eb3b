//! Power cuts: a disk that forgets what was not synced, SQLite on it, and a judge of what a store still has afterwards.
//!
//! What is modelled: every write and truncation after a file's last sync may be lost, kept, or kept in part (sectors of 512
//! bytes survive each by chance, in any order); a new name or a deletion is durable once its folder was synced. Simplified:
//! SQLite syncs the folder with the first sync of a new journal or write-ahead log, and the model makes all names of the
//! folder durable then; of the store's own folder syncs only those of blobs are seen ([`blobs`]); logs of steps, which nothing syncs, are
//! not cut. [`scenario`] is of the store's operations alone, in [`runs`] an engine plays plans.
//! `unsafe` is confined to [`vfs`] and [`watch`], which leaves the files where they are and watches the syncs.

pub mod blobs;
pub mod chance;
pub mod disk;
pub mod fault;
pub mod judge;
mod keep;
pub mod locks;
mod remains;
pub mod runs;
pub mod scenario;
pub mod vfs;
pub mod watch;
