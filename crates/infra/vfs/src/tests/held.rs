//! The rules of gathering on a log of bytes, without SQLite.

use crate::faults::{Fault, with};
use crate::gathering::Gathering;
use libsqlite3_sys::{SQLITE_FULL, SQLITE_OK};
use std::ffi::c_int;

const PAGE: usize = 512;
const FRAME: i64 = 24 + 512;

/// What was written, in its order; writes fail where `full` says so.
#[derive(Default)]
struct Log {
    writes: Vec<(i64, Vec<u8>)>,
    full: bool,
}

impl Log {
    fn write(&mut self) -> impl FnMut(&[u8], i64) -> c_int + '_ {
        |bytes, at| {
            if self.full {
                return SQLITE_FULL;
            }
            self.writes.push((at, bytes.to_vec()));
            SQLITE_OK
        }
    }

    /// Places and lengths.
    fn shape(&self) -> Vec<(i64, usize)> {
        self.writes.iter().map(|(at, bytes)| (*at, bytes.len())).collect()
    }
}

fn place(number: i64) -> i64 {
    32 + number * FRAME
}

/// Writes a frame as SQLite does: header, then page.
fn frame(gathering: &mut Gathering, log: &mut Log, number: i64, commits: bool) -> (c_int, c_int) {
    let mut header = [7; 24];
    header[4..8].copy_from_slice(&u32::from(commits).to_be_bytes());
    let first = gathering.write(&header, place(number), &mut log.write());
    (first, gathering.write(&[9; PAGE], place(number) + 24, &mut log.write()))
}

const DONE: (c_int, c_int) = (SQLITE_OK, SQLITE_OK);

#[test]
fn a_commit_is_one_write_and_nothing_is_held_after_it() {
    let (mut gathering, mut log) = (Gathering::default(), Log::default());
    gathering.begin();
    for number in 0..3 {
        assert_eq!(frame(&mut gathering, &mut log, number, number == 2), DONE);
    }
    assert_eq!(log.shape(), [(32, 3 * 536)]);
    // Checksums of pages that were written over come after the commit frame, and others are told next.
    assert_eq!(gathering.write(&[1; 24], place(1), &mut log.write()), SQLITE_OK);
    assert_eq!(log.shape(), [(32, 3 * 536), (place(1), 24)]);
    gathering.end();
    gathering.begin();
    assert_eq!(frame(&mut gathering, &mut log, 3, true), DONE);
    assert_eq!(log.shape().last(), Some(&(place(3), 536)));
}

#[test]
fn without_the_write_lock_everything_goes_through() {
    let (mut gathering, mut log) = (Gathering::default(), Log::default());
    assert_eq!(frame(&mut gathering, &mut log, 0, false), DONE);
    assert_eq!(log.shape(), [(32, 24), (56, PAGE)]);
}

#[test]
fn what_is_held_is_written_before_what_does_not_follow_it() {
    let (mut gathering, mut log) = (Gathering::default(), Log::default());
    gathering.begin();
    // A savepoint is rolled back: the next frame lies before.
    for number in [0, 1, 1] {
        assert_eq!(frame(&mut gathering, &mut log, number, false), DONE);
    }
    assert_eq!(log.shape(), [(32, 2 * 536)]);
    // A page is written over in its frame.
    assert_eq!(gathering.write(&[8; PAGE], place(0) + 24, &mut log.write()), SQLITE_OK);
    assert_eq!(log.shape(), [(32, 2 * 536), (place(1), 536), (56, PAGE)]);
    // The log begins anew.
    assert_eq!(frame(&mut gathering, &mut log, 2, false), DONE);
    assert_eq!(gathering.write(&[5; 32], 0, &mut log.write()), SQLITE_OK);
    assert_eq!(log.shape()[3..], [(place(2), 536), (0, 32)]);
}

#[test]
fn a_page_whose_header_was_written_out_still_commits() {
    let (mut gathering, mut log) = (Gathering::default(), Log::default());
    gathering.begin();
    let header = [1; 24];
    assert_eq!(gathering.write(&header, 32, &mut log.write()), SQLITE_OK);
    assert_eq!(gathering.before_read(32, &mut log.write()), SQLITE_OK);
    assert_eq!(gathering.write(&[9; PAGE], 56, &mut log.write()), SQLITE_OK);
    assert_eq!(log.shape(), [(32, 24), (56, PAGE)]);
}

#[test]
fn a_rolled_back_transaction_leaves_nothing_to_write() {
    let stale = |fault| {
        with(fault, || {
            let (mut gathering, mut log) = (Gathering::default(), Log::default());
            gathering.begin();
            assert_eq!(frame(&mut gathering, &mut log, 0, false), DONE);
            gathering.end();
            gathering.begin();
            assert_eq!(frame(&mut gathering, &mut log, 5, true), DONE);
            log.shape()
        })
    };
    assert_eq!(stale(None), [(place(5), 536)]);
    assert_ne!(stale(Some(Fault::HeldOverTheLock)), stale(None), "the control is not noticed");
}

#[test]
fn much_is_written_out_in_whole_frames_none_longer_than_sqlite_can_take() {
    let (mut gathering, mut log) = (Gathering::default(), Log::default());
    gathering.begin();
    let many = 300;
    for number in 0..many {
        assert_eq!(frame(&mut gathering, &mut log, number, false), DONE);
    }
    assert_eq!(log.shape().len(), 2, "{:?}", log.shape());
    assert_eq!(frame(&mut gathering, &mut log, many, true), DONE);
    let mut at = 32;
    for (begins, length) in log.shape() {
        assert!(length <= 64 * 1024 && length % 536 == 0, "{length}");
        assert_eq!(begins, at);
        at += i64::try_from(length).unwrap();
    }
    assert_eq!(at, place(many + 1));
}

#[test]
fn a_loss_is_told_until_the_lock_is_given_up() {
    let codes = |fault| {
        with(fault, || {
            let (mut gathering, mut log) = (Gathering::default(), Log::default());
            gathering.begin();
            assert_eq!(frame(&mut gathering, &mut log, 4, false), DONE);
            log.full = true;
            assert_eq!(gathering.before_read(place(4), &mut log.write()), SQLITE_OK, "lies before the loss");
            log.full = false;
            let read = gathering.before_read(place(5), &mut log.write());
            (read, frame(&mut gathering, &mut log, 5, true), gathering.settle(&mut log.write()))
        })
    };
    assert_eq!(codes(None), (SQLITE_FULL, (SQLITE_FULL, SQLITE_FULL), SQLITE_FULL));
    assert_ne!(codes(Some(Fault::LossForgotten)), codes(None), "the control is not noticed");
    let (mut gathering, mut log) = (Gathering::default(), Log { full: true, ..Log::default() });
    gathering.begin();
    assert_eq!(frame(&mut gathering, &mut log, 0, true), (SQLITE_OK, SQLITE_FULL));
    gathering.end();
    log.full = false;
    gathering.begin();
    assert_eq!(frame(&mut gathering, &mut log, 0, true), DONE);
}
