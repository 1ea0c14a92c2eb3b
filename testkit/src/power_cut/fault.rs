//! What a disk can do wrong while the power is on, and when it does.
//!
//! Owns no file. Surprising: a fault waits for a call that it fits, so "full" fails writes and lets reads pass, and the
//! number of the call from which on it waits is what a walk over all calls of a scenario counts.

use super::disk::SyncKind;

/// A call of SQLite to its file system that may fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// A file is opened.
    Open,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file is cut.
    Truncate,
    /// A file is synced.
    Sync(SyncKind),
    /// A length is asked for.
    Size,
    /// A name is deleted.
    Delete,
    /// A name is looked for.
    Access,
    /// A lock is asked for.
    Lock,
    /// The shared index is mapped.
    Map,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// One call ends with an I/O error.
    Io,
    /// Every call does, until it is mended.
    Dead,
    /// Every write finds no room, until it is mended.
    Full,
    /// Nothing may be changed and files open for reading alone, until it is mended.
    ReadOnly,
    /// One sync of a write-ahead log fails and makes nothing durable.
    LostSync,
    /// One sync of a write-ahead log makes everything durable and then the power goes.
    LostAnswer,
}

/// Why a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// The power is gone.
    Dark,
    /// An I/O error.
    Io,
    /// No room.
    Full,
    /// Read-only.
    ReadOnly,
}

/// A fault that waits, or none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    fault: Option<(Fault, u64)>,
    /// Calls it has met.
    pub(super) met: u64,
}

impl Waiting {
    pub(super) fn set(&mut self, fault: Fault, from: u64) {
        *self = Self { fault: Some((fault, from)), met: 0 };
    }

    pub(super) fn mend(&mut self) {
        self.fault = None;
    }

    /// Whether files open for reading alone now.
    pub(super) fn is_read_only(&self, number: u64) -> bool {
        self.fault.is_some_and(|(fault, from)| fault == Fault::ReadOnly && number >= from)
    }

    /// Whether this sync is the last thing that is heard of.
    pub(super) fn loses_answer(&self, call: Call, number: u64) -> bool {
        let is_log = call == Call::Sync(SyncKind::Log);
        is_log && self.fault.is_some_and(|(fault, from)| fault == Fault::LostAnswer && number >= from)
    }

    /// What the call with this number meets.
    pub(super) fn meet(&mut self, call: Call, number: u64) -> Result<(), Trouble> {
        let Some((fault, from)) = self.fault.filter(|(_, from)| number >= *from) else { return Ok(()) };
        let trouble = match (fault, call) {
            (Fault::Io, _) if number == from => Trouble::Io,
            (Fault::Dead, _) => Trouble::Io,
            (Fault::Full, Call::Write) => Trouble::Full,
            (Fault::ReadOnly, Call::Write | Call::Truncate | Call::Delete | Call::Sync(_)) => {
                Trouble::ReadOnly
            }
            (Fault::LostSync, Call::Sync(SyncKind::Log)) => {
                self.fault = None;
                Trouble::Io
            }
            (Fault::Io | Fault::Full | Fault::ReadOnly | Fault::LostSync | Fault::LostAnswer, _) => {
                return Ok(());
            }
        };
        self.met += 1;
        Err(trouble)
    }
}
