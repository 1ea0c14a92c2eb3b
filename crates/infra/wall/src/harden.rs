//! What every process of the chain does to itself before it works: no core dumps, no new privileges, adopts orphans, hands
//! on no descriptor that it was itself handed by accident.
//!
//! Each call is checked; a process that cannot be hardened does not start.

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
#[expect(unsafe_code, reason = "close_range is not in rustix")]
pub fn hand_on_nothing() -> io::Result<()> {
    // SAFETY: with CLOSE_RANGE_CLOEXEC nothing is closed in this process: a flag is set on descriptors, no memory is touched.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What a step inherits from the starter: no new privileges (no setuid program gains any), a bounded number of open files.
pub(crate) fn bound_descendants() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let held = getrlimit(Resource::Nofile);
    let bound = |limit: Option<u64>| Some(limit.map_or(OPEN_FILES, |limit| limit.min(OPEN_FILES)));
    setrlimit(Resource::Nofile, Rlimit { current: bound(held.current), maximum: bound(held.maximum) })?;
    Ok(())
}
