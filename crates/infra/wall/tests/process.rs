//! Watching processes from outside: alive, gone, and waiting for the latter without guessing a time.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::fd::OwnedFd;

/// A process under watch, by a descriptor: its number cannot pass to another one.
pub(crate) struct Watched {
    descriptor: OwnedFd,
}

impl Watched {
    /// Watches a living process.
    pub(crate) fn new(pid: u32) -> Self {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        Self { descriptor: pidfd_open(pid, PidfdFlags::empty()).expect("the process lives") }
    }

    /// Whether it has ended within `seconds`.
    pub(crate) fn ends_within(&self, seconds: i64) -> bool {
        let mut watch = [PollFd::new(&self.descriptor, PollFlags::IN)];
        poll(&mut watch, Some(&Timespec { tv_sec: seconds, tv_nsec: 0 })).unwrap() == 1
    }

    /// Whether it lives now.
    pub(crate) fn lives(&self) -> bool {
        !self.ends_within(0)
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        pidfd_send_signal(&self.descriptor, Signal::KILL).unwrap();
    }
}
