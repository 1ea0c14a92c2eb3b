//! What every process of the chain does to itself before it works: no core dumps, no new privileges, adopts orphans, hands
//! on no descriptor that it was itself handed by accident.
//!
//! Each call is checked; a process that cannot be hardened does not start.

use crate::signals;
use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getpid, getrlimit, set_child_subreaper, set_dumpable_behavior,
    setrlimit,
};
use std::io;

/// Open files of a step (contract 11.2, `host`).
pub const OPEN_FILES: u64 = 1024;

/// No core dumps, neither of this process nor of what it starts; its memory is not for other processes of the user.
pub fn no_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Descendants whose parent ends become children of this process, not of the system's first one.
pub fn adopt_orphans() -> io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    Ok(())
}

/// Whatever is open beyond the three streams is closed in every program that this process starts. Our own descriptors are
/// made that way; this is for those that came from the shell, or from whatever started DVT.
pub fn hand_on_nothing() -> io::Result<()> {
    Ok(beyond_the_streams(libc::CLOSE_RANGE_CLOEXEC)?)
}

/// Closes whatever is open beyond the three streams in a child that is about to be another program, copies of what other steps
/// wait for the end of among it. A system call that succeeds, for it did when the starter began.
pub(crate) fn let_go() -> Result<(), Errno> {
    beyond_the_streams(0)
}

#[expect(unsafe_code, reason = "close_range is not in rustix")]
fn beyond_the_streams(flags: u32) -> Result<(), Errno> {
    // SAFETY: no memory is touched. Descriptors are closed only in a child, which uses none of them any more.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, flags) };
    if answer == -1 { Err(signals::last()) } else { Ok(()) }
}

/// Marks what is started from here on: a bound on a kind of lock that the kernel has not counted since Linux 2.4. Whatever descends from
/// it carries the mark, however it leaves its group and its session and whatever it does to its environment, and anybody may read it.
/// It can be lowered and never raised, so each mark is lower than the one before.
pub(crate) fn mark_descendants(mark: u64) -> io::Result<()> {
    setrlimit(Resource::Locks, Rlimit { current: Some(mark), maximum: Some(mark) })?;
    Ok(())
}

/// As many open files as this process may have, for it holds the streams of many steps. What is started before this has no more of
/// them than before.
pub fn all_descriptors() -> io::Result<()> {
    let held = getrlimit(Resource::Nofile);
    match setrlimit(Resource::Nofile, Rlimit { current: held.maximum, maximum: held.maximum }) {
        // More than the kernel gives anybody: it stays as it was.
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What a step inherits from the starter: no new privileges (no setuid program gains any), a bounded number of open files.
pub(crate) fn bound_descendants() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let held = getrlimit(Resource::Nofile);
    let bound = |limit: Option<u64>| Some(limit.map_or(OPEN_FILES, |limit| limit.min(OPEN_FILES)));
    setrlimit(Resource::Nofile, Rlimit { current: bound(held.current), maximum: bound(held.maximum) })?;
    Ok(())
}
