//! A file on the disk that loses power, and what remains of it: everything synced, and of the rest nothing, a beginning, or any sectors.
//!
//! Owns no name and no order of operations: those are the disk's.

use super::chance::Chance;
use super::disk::SyncKind;
use super::locks::{Locks, Shared};
use std::collections::BTreeSet;

/// Sectors survive or not, whole.
const SECTOR: usize = 512;

/// What was done to a file since its last sync.
pub(super) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

/// A file.
pub(super) struct File {
    pub(super) kind: SyncKind,
    pub(super) view: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Change>,
    /// Whether its name outlives a cut.
    pub(super) named: bool,
    /// Whether its deletion is on the way: the name is gone from view and comes back with a cut.
    pub(super) deleted: bool,
    pub(super) synced_once: bool,
    pub(super) locks: Locks,
    pub(super) shared: Shared,
}

impl File {
    pub(super) fn new(kind: SyncKind, content: Vec<u8>) -> Self {
        Self {
            kind,
            view: content,
            durable: Vec::new(),
            pending: Vec::new(),
            named: false,
            deleted: false,
            synced_once: false,
            locks: Locks::default(),
            shared: Shared::default(),
        }
    }
}

/// Writes bytes at a place, the content growing where it is too short.
pub(super) fn apply(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    for (to, from) in content.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

/// What remains of a file: everything synced, and of the rest nothing, a beginning, or any sectors at all. In a control it is
/// the worst of that for the removed kind of sync: its own files keep nothing, the others any sectors.
pub(super) fn survived(file: &File, removed: Option<SyncKind>, chance: &mut Chance) -> Vec<u8> {
    let mut content = file.durable.clone();
    let written = file.pending.len() as u64;
    let manner = match removed {
        Some(kind) if file.kind == kind => 0,
        Some(_) => 2,
        None => chance.below(3),
    };
    let upto = chance.below(written + 1);
    let lost: BTreeSet<u64> = (0..file.pending.len() as u64).filter(|_| chance.below(2) == 0).collect();
    for (number, change) in (0..).zip(&file.pending) {
        let keep = match manner {
            0 => false,
            1 => number < upto,
            _ => !lost.contains(&number),
        };
        if !keep {
            continue;
        }
        match change {
            Change::Cut { length } => content.truncate(*length),
            Change::Write { at, bytes } if manner == 2 && chance.below(2) == 0 => {
                for (sector, piece) in bytes.chunks(SECTOR).enumerate() {
                    if chance.below(2) == 0 {
                        apply(&mut content, at + sector * SECTOR, piece);
                    }
                }
            }
            Change::Write { at, bytes } => apply(&mut content, *at, bytes),
        }
    }
    content
}
