//! File locks and the shared index of a write-ahead log, among the handles of one process.

use std::collections::{BTreeMap, BTreeSet};

/// SQLite's five lock levels of a file, per handle.
#[derive(Default)]
pub(super) struct Locks {
    levels: BTreeMap<u64, i32>,
}

/// SQLite's lock levels.
const SHARED: i32 = 1;
const RESERVED: i32 = 2;
const PENDING: i32 = 3;
const EXCLUSIVE: i32 = 4;

impl Locks {
    fn others(&self, handle: u64) -> i32 {
        self.levels.iter().filter(|(other, _)| **other != handle).map(|(_, level)| *level).max().unwrap_or(0)
    }

    /// Whether the lock was got.
    pub(super) fn lock(&mut self, handle: u64, wanted: i32) -> bool {
        let mine = self.levels.get(&handle).copied().unwrap_or(0);
        if mine >= wanted {
            return true;
        }
        let others = self.others(handle);
        let level = match wanted {
            SHARED if others >= PENDING => return false,
            RESERVED if others >= RESERVED => return false,
            EXCLUSIVE if others >= RESERVED => return false,
            EXCLUSIVE if others >= SHARED => {
                self.levels.insert(handle, PENDING);
                return false;
            }
            other => other,
        };
        self.levels.insert(handle, level);
        true
    }

    pub(super) fn unlock(&mut self, handle: u64, down_to: i32) {
        if down_to == 0 {
            self.levels.remove(&handle);
        } else if let Some(level) = self.levels.get_mut(&handle) {
            *level = down_to.min(*level);
        }
    }

    pub(super) fn is_reserved(&self) -> bool {
        self.levels.values().any(|level| *level >= RESERVED)
    }
}

/// A region of shared memory: made once, never moved, freed with the file.
pub(super) struct Region {
    words: Box<[std::cell::UnsafeCell<u64>]>,
}

impl Region {
    fn new(bytes: usize) -> Self {
        Self { words: (0..bytes.div_ceil(8)).map(|_| std::cell::UnsafeCell::new(0)).collect() }
    }

    /// Where it begins. Reading and writing it is SQLite's business, under SQLite's own locks.
    pub(super) fn start(&self) -> *mut u64 {
        self.words.first().map_or(std::ptr::null_mut(), std::cell::UnsafeCell::get)
    }
}

/// The shared index: regions and eight locks.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) regions: Vec<Region>,
    mapped: BTreeSet<u64>,
    readers: BTreeMap<i32, BTreeSet<u64>>,
    writer: BTreeMap<i32, u64>,
}

impl Shared {
    /// The region of this number, made where it is missing and may be.
    pub(super) fn region(&mut self, handle: u64, number: usize, bytes: usize, extend: bool) -> *mut u64 {
        self.mapped.insert(handle);
        while extend && self.regions.len() <= number {
            self.regions.push(Region::new(bytes));
        }
        self.regions.get(number).map_or(std::ptr::null_mut(), Region::start)
    }

    /// Whether the locks `from..from + count` were got.
    pub(super) fn lock(&mut self, handle: u64, slots: std::ops::Range<i32>, exclusive: bool) -> bool {
        for slot in slots.clone() {
            if self.writer.get(&slot).is_some_and(|holder| *holder != handle) {
                return false;
            }
            let others =
                self.readers.get(&slot).is_some_and(|held| held.iter().any(|holder| *holder != handle));
            if exclusive && others {
                return false;
            }
        }
        for slot in slots {
            if exclusive {
                self.writer.insert(slot, handle);
            } else {
                self.readers.entry(slot).or_default().insert(handle);
            }
        }
        true
    }

    pub(super) fn unlock(&mut self, handle: u64, slots: std::ops::Range<i32>) {
        for slot in slots {
            if self.writer.get(&slot) == Some(&handle) {
                self.writer.remove(&slot);
            }
            if let Some(held) = self.readers.get_mut(&slot) {
                held.remove(&handle);
            }
        }
    }

    /// The handle goes; with the last one the index goes too.
    pub(super) fn leave(&mut self, handle: u64) {
        self.unlock(handle, 0..8);
        self.mapped.remove(&handle);
        if self.mapped.is_empty() {
            self.regions.clear();
        }
    }
}
