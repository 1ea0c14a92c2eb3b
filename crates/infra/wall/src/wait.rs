//! Waiting for children. It speaks to the kernel directly, because `rustix` has no `signalfd`, no usage at `wait` and does not
//! tell whose status it peeked at.

use crate::protocol::{End, Used};
use rustix::process::Pid;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};

/// The unit of `ru_inblock` and `ru_oublock`, whatever the file system's is (kernel: `task_io_get_inblock`).
const BLOCK_BYTES: u64 = 512;

/// A child that was reaped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reaped {
    pub(crate) end: End,
    pub(crate) used: Used,
}

/// A descriptor that becomes readable when a child ends. Blocks SIGCHLD in this thread; in a program that is
/// started nothing is blocked.
#[expect(unsafe_code, reason = "signalfd is not in rustix")]
pub(crate) fn child_signals() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `set` is writable memory of the right type; sigemptyset initialises all of it.
    check(unsafe { libc::sigemptyset(set.as_mut_ptr()) })?;
    // SAFETY: sigemptyset succeeded, so the set is initialised.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: `set` is an initialised set and SIGCHLD a valid signal.
    check(unsafe { libc::sigaddset(&raw mut set, libc::SIGCHLD) })?;
    // SAFETY: `set` is initialised and only read; no old mask is asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) })?;
    // SAFETY: -1 asks for a new descriptor; `set` is initialised and only read.
    let fd = check(unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) })?;
    // SAFETY: the kernel just gave this descriptor to us and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A child that has ended and is not reaped yet; its number stays taken until [`reap`]. `None` where all live.
#[expect(unsafe_code, reason = "rustix's waitid does not give the process id")]
pub(crate) fn ended_child() -> io::Result<Option<Pid>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is writable memory of the right type; the kernel writes at most that.
    let answer = check(unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) });
    match answer {
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
        other => other?,
    };
    // SAFETY: all-zero bytes are a valid siginfo_t, and the kernel only writes valid ones.
    let info = unsafe { info.assume_init() };
    // SAFETY: waitid fills the fields of SIGCHLD, or leaves them zero where no child has ended.
    Ok(Pid::from_raw(unsafe { info.si_pid() }))
}

/// Reaps this child, which has ended.
pub(crate) fn reap(pid: Pid) -> io::Result<Option<Reaped>> {
    wait4(pid.as_raw_nonzero().get(), libc::WNOHANG).map(|found| found.map(|(_, reaped)| reaped))
}

/// Reaps any child; with `block` waits for one. `Err` of ECHILD where there is none.
pub(crate) fn reap_any(block: bool) -> io::Result<bool> {
    Ok(wait4(-1, if block { 0 } else { libc::WNOHANG })?.is_some())
}

#[expect(unsafe_code, reason = "rustix gives no usage")]
fn wait4(pid: i32, options: i32) -> io::Result<Option<(i32, Reaped)>> {
    loop {
        let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
        // SAFETY: both pointers are to writable memory of the right types and live through the call.
        let answer = check(unsafe { libc::wait4(pid, &raw mut status, options, usage.as_mut_ptr()) });
        let found = match answer {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(0) => return Ok(None),
            Ok(found) => found,
        };
        // SAFETY: all-zero bytes are a valid rusage, and the kernel only writes valid ones.
        let usage = unsafe { usage.assume_init() };
        let end = if libc::WIFSIGNALED(status) {
            End::Signal(libc::WTERMSIG(status))
        } else {
            End::Status(libc::WEXITSTATUS(status))
        };
        let times = |number: libc::c_long, unit| u64::try_from(number).unwrap_or(0).saturating_mul(unit);
        let used = Used {
            cpu_ms: milliseconds(usage.ru_utime).saturating_add(milliseconds(usage.ru_stime)),
            peak_memory_bytes: times(usage.ru_maxrss, 1024),
            read_bytes: times(usage.ru_inblock, BLOCK_BYTES),
            written_bytes: times(usage.ru_oublock, BLOCK_BYTES),
        };
        return Ok(Some((found, Reaped { end, used })));
    }
}

fn milliseconds(time: libc::timeval) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(u64::try_from(time.tv_usec).unwrap_or(0) / 1000)
}

fn check(answer: i32) -> io::Result<i32> {
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
