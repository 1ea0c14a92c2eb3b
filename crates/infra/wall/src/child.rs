//! A child in the memory of the starter, until it is the program (ADR 86).
//!
//! `fork` copies the page tables of the starter for a child that throws them away with its `execve`. This one shares the
//! memory (`CLONE_VM`) and the starter sleeps meanwhile (`CLONE_VFORK`), as `posix_spawn` does it, which knows no death signal.
//! What shares the memory of another must leave it as it was: the child runs on a stack of its own, makes system calls and
//! nothing else, and tells its failure in one number. The surprising rule: it may not run a signal handler of the starter
//! either, so every signal is blocked from before the child exists until none of its handlers is left.

use crate::image::Image;
use crate::signals::{self, Signals};
use crate::spawn::Streams;
use crate::stack::Stack;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, chdir, getpid, getppid, set_parent_process_death_signal, setpgid, waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::convert::Infallible;
use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// Why there is no child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The kernel's answer.
    pub(crate) errno: Errno,
    /// Which candidate of the image was tried last.
    pub(crate) candidate: usize,
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Self {
        Self { errno, candidate: 0 }
    }
}

/// What the child is told, and what it tells.
struct Orders<'a> {
    image: &'a Image,
    streams: &'a Streams,
    starter: Pid,
    none: Signals,
    /// The kernel's number, where the child did not become the program.
    errno: AtomicI32,
    candidate: AtomicUsize,
}

/// Starts the program. Returns after its `execve` has succeeded, or with nothing left of the child.
pub(crate) fn start(image: &Image, streams: &Streams, stack: &mut Stack) -> Result<Pid, Failed> {
    let (starter, none) = (getpid(), Signals::none()?);
    let (errno, candidate) = (AtomicI32::new(0), AtomicUsize::new(0));
    let orders = Orders { image, streams, starter, none, errno, candidate };
    let before = Signals::all()?.block()?;
    let child = clone(&orders, stack);
    before.block()?;
    let child = child?;
    // The child has ended or is another program: it writes no more.
    let errno = orders.errno.load(Ordering::Relaxed);
    if errno == 0 {
        return Ok(child);
    }
    // Nobody but us has heard of it, and nobody else waits for it.
    while matches!(waitpid(Some(child), WaitOptions::empty()), Err(Errno::INTR)) {}
    Err(Failed {
        errno: Errno::from_raw_os_error(errno),
        candidate: orders.candidate.load(Ordering::Relaxed),
    })
}

#[expect(unsafe_code, reason = "a child that shares this memory is had from the kernel only")]
fn clone(orders: &Orders<'_>, stack: &mut Stack) -> Result<Pid, Errno> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let told = std::ptr::from_ref(orders).cast_mut().cast::<c_void>();
    // SAFETY: the stack is memory that nobody else uses, with its upper end aligned, and borrowed until we return. The kernel
    // holds this thread (the only one of the process) until the child has left our memory by `execve` or its end, so the
    // orders live and nothing else runs in this memory meanwhile. The child leaves it as it was: see `child`.
    let pid = unsafe { libc::clone(child, stack.top(), flags, told) };
    if pid == -1 { Err(signals::last()) } else { Pid::from_raw(pid).ok_or(Errno::SRCH) }
}

/// The child's life. Its end is its answer, where it did not become the program.
///
/// Nothing here may allocate, take a lock, panic or return past its caller: the starter's memory is used as it was found. It
/// makes system calls, and writes two numbers of the orders and the C library's `errno`, which is the starter's own.
#[expect(unsafe_code, reason = "the kernel hands the orders over as an address")]
extern "C" fn child(orders: *mut c_void) -> c_int {
    // SAFETY: `clone` hands over the address of its orders, which live until the child is gone; all that is written in them is atomic.
    let orders = unsafe { &*orders.cast_const().cast::<Orders<'_>>() };
    let Err(errno) = become_program(orders);
    orders.errno.store(errno.raw_os_error(), Ordering::Relaxed);
    127
}

fn become_program(orders: &Orders<'_>) -> Result<Infallible, Errno> {
    let Orders { image, streams, starter, .. } = orders;
    // All three lie above the standard ones, which the runtime has seen to be open when this process began; so none is put
    // over another, and the copies are not closed by `execve`.
    dup2_stdin(&streams.input)?;
    dup2_stdout(&streams.output)?;
    dup2_stderr(&streams.error)?;
    chdir(image.directory())?;
    setpgid(None, None)?;
    // The kernel kills the program when the starter ends, however that happens.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The starter may have ended between its call and the line above; then no signal will come.
    if getppid() != Some(*starter) {
        return Err(Errno::SRCH);
    }
    signals::undo_the_runtime()?;
    // No handler of ours is left that a signal could run.
    orders.none.block()?;
    execute(orders)
}

/// Becomes the first candidate that can be executed, as `execvp` does it: one that is not there, or may not be looked at, is
/// passed over; another failure ends the search.
fn execute(orders: &Orders<'_>) -> Result<Infallible, Errno> {
    let (mut last, mut forbidden) = (Errno::NOENT, None);
    for (at, path) in orders.image.candidates().enumerate() {
        orders.candidate.store(at, Ordering::Relaxed);
        last = execve(path, orders.image);
        match last {
            Errno::ACCESS => forbidden = Some(last),
            Errno::NOENT | Errno::STALE | Errno::NOTDIR | Errno::NODEV | Errno::TIMEDOUT => {}
            _ => return Err(last),
        }
    }
    Err(forbidden.unwrap_or(last))
}

/// Gives a value only where it failed.
#[expect(unsafe_code, reason = "execve is not in rustix")]
fn execve(path: &CStr, image: &Image) -> Errno {
    // SAFETY: the path ends in zero; both lists end in null and point to texts that end in zero, all of which live in the image.
    unsafe { libc::execve(path.as_ptr(), image.arguments(), image.environment()) };
    signals::last()
}
