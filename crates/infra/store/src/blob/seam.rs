//! A seam for the power-cut harness: what happens to the files of blobs, which lie on the real file system and not below SQLite.
//!
//! Without the feature `watched-blobs`, which no shipped crate turns on, there is nothing here. Surprising: each deed is told of after it
//! is done, for the harness plays it again on a disk of its own, and only that one loses power.

#![cfg_attr(not(feature = "watched-blobs"), allow(unreachable_pub, dead_code, reason = "the seam is closed"))]

#[cfg(feature = "watched-blobs")]
use std::path::Path;
#[cfg(feature = "watched-blobs")]
use std::sync::OnceLock;

/// What was done to a file.
#[derive(Clone, Copy)]
pub enum Did<'a> {
    /// It was made.
    Made,
    /// Bytes were added at its end.
    Added(&'a [u8]),
    /// It was synced.
    Synced,
    /// Its folder was synced.
    Named,
    /// It was removed.
    Removed,
}

#[cfg(feature = "watched-blobs")]
type Watcher = Box<dyn Fn(&Path, Did<'_>) + Send + Sync>;

#[cfg(feature = "watched-blobs")]
static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// From now on this process tells what it does to blobs; the first watcher stays.
#[cfg(feature = "watched-blobs")]
pub fn watch(watcher: Watcher) {
    let _first = WATCHER.set(watcher);
}

#[cfg(feature = "watched-blobs")]
pub(super) fn did(path: &Path, did: Did<'_>) {
    if let Some(watcher) = WATCHER.get() {
        watcher(path, did);
    }
}

/// Nothing: the feature `watched-blobs` is off.
#[cfg(not(feature = "watched-blobs"))]
#[inline(always)]
pub(super) fn did(_path: &std::path::Path, _did: Did<'_>) {}
