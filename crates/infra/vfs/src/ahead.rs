//! The log grows ahead of what is written: a sync of bytes that make a file longer has to wait for the file's own record too.
//!
//! On the file systems of Linux that takes as long as the sync itself once more, for each commit until the log has reached its
//! full length. So the sync of a commit that makes the log longer writes zeros behind it, as much as the log is long already
//! but no more than [`MOST`], and the commits after it overwrite them. Whoever recovers the log stops at the first frame that is
//! none (sqlite.org/fileformat.html, 4.2: a frame names a page, and bears the salts of the log's head), and zeros are none.

use crate::faults::{Fault, is_planted};
use libsqlite3_sys::SQLITE_OK;
use std::ffi::c_int;

/// A commit of more bytes makes the log longer by itself: beside its own bytes the file's record is little, and zeros would be many.
pub(crate) const SMALL: usize = 128 * 1024;
/// The fewest bytes that are written ahead.
const LEAST: i64 = 64 * 1024;
/// The most bytes that are written ahead, so a log takes at most so much more than it needs.
const MOST: i64 = 1024 * 1024;
/// Bytes of one write.
const PIECE: usize = 64 * 1024;

/// How far a log is known to reach. Others may have cut it off since: then it grows commit by commit until it is longer.
#[derive(Default)]
pub(crate) struct Ahead {
    reaches: i64,
}

impl Ahead {
    /// The commit that ends at `end` is in the log and is about to be synced; `length` asks how long the file is, `log` writes into it.
    /// Zeros that find no room are no loss: nobody was promised any.
    pub(crate) fn grow(
        &mut self,
        end: i64,
        length: impl FnOnce() -> Option<i64>,
        log: &mut impl FnMut(&[u8], i64) -> c_int,
    ) {
        if end <= self.reaches {
            return;
        }
        let Some(length) = length() else { return };
        self.reaches = if is_planted(Fault::AheadTooSoon) { length - 512 } else { length };
        // Longer than the commit: it lies within what somebody wrote before.
        if length > end {
            return;
        }
        let to = end.saturating_add(end.clamp(LEAST, MOST));
        let zeros = [0; PIECE];
        while self.reaches < to {
            let piece = usize::try_from(to - self.reaches).unwrap_or(PIECE).min(PIECE);
            let written = zeros.get(..piece).map_or(SQLITE_OK, |zeros| log(zeros, self.reaches));
            if written != SQLITE_OK {
                return;
            }
            self.reaches += i64::try_from(piece).unwrap_or(i64::MAX);
        }
    }

    /// The log is cut off.
    pub(crate) fn cut(&mut self, length: i64) {
        self.reaches = self.reaches.min(length);
    }
}
