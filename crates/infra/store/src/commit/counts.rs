//! What a committer did, in numbers: for operators, and for tests that would otherwise have to measure time.

use crate::port::error::Refusal;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the tenant's file was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Transactions.
    pub groups: u64,
    /// Transactions of which nothing stayed, or nobody knows.
    pub failed: u64,
    /// Pieces that were handed over: stages, and writes beside the ledger.
    pub put: u64,
    /// Those of them that their callers wrote themselves, for they came alone.
    pub alone: u64,
    /// Pieces for which room is taken now.
    pub under_way: u64,
    /// Pieces in transactions: stages, and writes beside the ledger.
    pub pieces: u64,
    /// Pieces that were left out alone.
    pub refused: u64,
    /// The most pieces of one transaction.
    pub most_pieces: u64,
    /// The most bytes that were under way at a time.
    pub most_bytes: u64,
}

#[derive(Default)]
pub(crate) struct Counting {
    groups: AtomicU64,
    failed: AtomicU64,
    put: AtomicU64,
    alone: AtomicU64,
    pieces: AtomicU64,
    refused: AtomicU64,
    most_pieces: AtomicU64,
    most_bytes: AtomicU64,
}

impl Counting {
    pub(crate) fn group(&self, pieces: usize, verdicts: Option<&[Result<(), Refusal>]>) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.pieces.fetch_add(pieces as u64, Ordering::Relaxed);
        self.most_pieces.fetch_max(pieces as u64, Ordering::Relaxed);
        match verdicts {
            Some(verdicts) => {
                let refused = verdicts.iter().filter(|verdict| verdict.is_err()).count();
                self.refused.fetch_add(refused as u64, Ordering::Relaxed);
            }
            None => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn put(&self) {
        self.put.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn alone(&self) {
        self.alone.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn under_way(&self, bytes: u64) {
        self.most_bytes.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self, under_way: u64) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            groups: read(&self.groups),
            failed: read(&self.failed),
            put: self.put.load(Ordering::SeqCst),
            alone: read(&self.alone),
            under_way,
            pieces: read(&self.pieces),
            refused: read(&self.refused),
            most_pieces: read(&self.most_pieces),
            most_bytes: read(&self.most_bytes),
        }
    }
}
