//! What a connection wrote into its log and the log does not hold yet: frames of a transaction that has not been committed.
//!
//! Knows neither files nor SQLite's tables; whoever calls says how to write. Three rules carry it:
//! 1. Frames are held only while the connection has the write lock, and only until the commit. So nobody else can write where
//!    they belong, and nobody else has a reason to look there: readers look no further than the last commit.
//! 2. Before the log is asked for anything, what is held is in it. So whoever asks finds what SQLite believes to have written.
//! 3. A write that SQLite was told had succeeded and that failed afterwards ends the transaction: every later write of it fails,
//!    also the one that would commit it.
//!
//! Surprising: frames that are held when the lock is given up are dropped. Without a commit they are of a transaction that was
//! rolled back, and SQLite goes back to before them; written later they would lie over somebody else's commit.

use crate::ahead::{self, Ahead};
use crate::faults::{Fault, is_planted};
use libsqlite3_sys::{SQLITE_IOERR_NOMEM, SQLITE_OK};
use std::ffi::c_int;

/// Bytes before each page of a log (sqlite.org/fileformat.html, 4.1). SQLite writes them apart from their page.
const HEADER: usize = 24;
/// Where a header has the size of the database after the commit; zero in a frame that commits nothing.
const COMMIT: std::ops::Range<usize> = 4..8;
/// One write is at most so long, or one frame. SQLite's own takes the length modulo 128 KiB, and a length of nothing for a full disk.
const MOST: usize = 64 * 1024;

/// How far the transaction of the connection is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Stage {
    /// It has no write lock that we know of, so nothing may be held: writes go through.
    #[default]
    Unlocked,
    /// It has the write lock: frames are held.
    Open,
    /// The commit is in the log. What SQLite still writes (checksums of pages that were written over, frames that fill a
    /// sector) goes through: it must be there when the sync returns or, without syncs, when others are told of the commit.
    Committed,
    /// Frames from this place on are lost, for this reason.
    Lost(i64, c_int),
}

/// A header that was written and whose page was not yet.
#[derive(Clone, Copy)]
struct Header {
    page_at: i64,
    commits: bool,
}

/// What is held for one connection.
#[derive(Default)]
pub(crate) struct Gathering {
    stage: Stage,
    /// Where the held bytes belong; they have no gap.
    at: i64,
    held: Vec<u8>,
    header: Option<Header>,
    /// Where the last write ended.
    end: i64,
    /// Bytes of this transaction so far.
    length: usize,
    ahead: Ahead,
}

/// The place after some bytes.
fn after(at: i64, length: usize) -> i64 {
    at.saturating_add(i64::try_from(length).unwrap_or(i64::MAX))
}

impl Gathering {
    /// The connection got the write lock.
    pub(crate) fn begin(&mut self) {
        if self.stage == Stage::Unlocked {
            self.stage = Stage::Open;
            self.length = 0;
        }
    }

    /// The connection is about to give the write lock up, or to end.
    pub(crate) fn end(&mut self) {
        self.stage = Stage::Unlocked;
        self.header = None;
        if !is_planted(Fault::HeldOverTheLock) {
            self.held.clear();
        }
    }

    /// SQLite writes into its log; `log` is how that is done.
    pub(crate) fn write(
        &mut self,
        bytes: &[u8],
        at: i64,
        log: &mut impl FnMut(&[u8], i64) -> c_int,
    ) -> c_int {
        match self.stage {
            Stage::Unlocked => return log(bytes, at),
            Stage::Committed => {
                self.end = self.end.max(after(at, bytes.len()));
                return log(bytes, at);
            }
            Stage::Lost(_, code) if !is_planted(Fault::LossForgotten) => return code,
            Stage::Lost(..) | Stage::Open => self.stage = Stage::Open,
        }
        self.length = self.length.saturating_add(bytes.len());
        let header = self.header.take().filter(|header| header.page_at == at);
        if bytes.len() == HEADER {
            let commits = bytes.get(COMMIT).is_some_and(|size| size.iter().any(|byte| *byte != 0));
            let code = self.hold(bytes, at, log);
            self.header = Some(Header { page_at: after(at, HEADER), commits }).filter(|_| code == SQLITE_OK);
            return code;
        }
        let Some(header) = header else {
            // The head of the log, or a page written over in its frame: in its turn, after what is held.
            return match self.settle(log) {
                SQLITE_OK => log(bytes, at),
                code => code,
            };
        };
        let code = self.hold(bytes, at, log);
        let has_room = self.held.len() + HEADER + bytes.len() <= MOST;
        if code != SQLITE_OK || (has_room && !header.commits) {
            return code;
        }
        if is_planted(Fault::CommitHeld) {
            return code;
        }
        let code = self.settle(log);
        if code == SQLITE_OK && header.commits {
            self.stage = Stage::Committed;
        }
        code
    }

    /// SQLite is about to read the log as far as `end`.
    pub(crate) fn before_read(&mut self, end: i64, log: &mut impl FnMut(&[u8], i64) -> c_int) -> c_int {
        if !is_planted(Fault::ReadPast) {
            self.write_out(log);
        }
        match self.stage {
            // What lies before is of other transactions, and a rollback may need it.
            Stage::Lost(from, code) if end > from => code,
            _ => SQLITE_OK,
        }
    }

    /// SQLite is about to do something with the log as a whole: what is held is written.
    pub(crate) fn settle(&mut self, log: &mut impl FnMut(&[u8], i64) -> c_int) -> c_int {
        self.write_out(log);
        match self.stage {
            Stage::Lost(_, code) => code,
            _ => SQLITE_OK,
        }
    }

    /// The log is about to be synced: what is held is written, and behind a commit the log grows ahead. Only there, for it is
    /// sure then that nobody else writes.
    pub(crate) fn before_sync(
        &mut self,
        length: impl FnOnce() -> Option<i64>,
        log: &mut impl FnMut(&[u8], i64) -> c_int,
    ) -> c_int {
        let code = self.settle(log);
        if self.stage == Stage::Committed && self.length <= ahead::SMALL {
            self.ahead.grow(self.end, length, log);
        }
        code
    }

    /// The log is about to be cut off.
    pub(crate) fn before_cut(&mut self, length: i64, log: &mut impl FnMut(&[u8], i64) -> c_int) -> c_int {
        self.ahead.cut(length);
        self.settle(log)
    }

    /// Takes bytes that follow what is held; what they do not follow is written before.
    fn hold(&mut self, bytes: &[u8], at: i64, log: &mut impl FnMut(&[u8], i64) -> c_int) -> c_int {
        if !self.held.is_empty() && after(self.at, self.held.len()) != at {
            let code = self.settle(log);
            if code != SQLITE_OK {
                return code;
            }
        }
        // SQLite is told of this write itself, so nothing that it believes in is lost.
        if self.held.try_reserve(bytes.len()).is_err() {
            return SQLITE_IOERR_NOMEM;
        }
        if self.held.is_empty() {
            self.at = at;
        }
        self.held.extend_from_slice(bytes);
        SQLITE_OK
    }

    /// Writes what is held. If we crash in the middle, the log ends in a transaction without its commit, as it does where
    /// SQLite itself is stopped between two frames.
    fn write_out(&mut self, log: &mut impl FnMut(&[u8], i64) -> c_int) {
        if self.held.is_empty() {
            return;
        }
        let code = log(&self.held, self.at);
        self.end = after(self.at, self.held.len());
        if code != SQLITE_OK {
            self.stage = Stage::Lost(self.at, code);
        }
        self.held.clear();
    }
}
