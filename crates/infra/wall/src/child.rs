//! A child in the memory of the starter, until it is the program (ADR 86).
//!
//! `fork` copies the page tables of the starter for a child that throws them away with its `execve`. This one shares the memory
//! (`CLONE_VM`). The starter does not wait for it either, for a child waits for a processor as long as any other process: it goes on,
//! and learns from a number in that memory when the child has left it. So the two run beside each other, and the child must leave
//! everything as it was: it runs on a stack of its own, makes system calls and nothing else, and tells its failure in one number.
//! The surprising rule: it may not run a signal handler of the starter either, so every signal is blocked from before the
//! child exists until none of its handlers is left.

use crate::execve::{WRITES_ERRNO, execve};
use crate::harden;
use crate::image::Image;
use crate::signals::{self, Signals};
use crate::spawn::Streams;
use crate::stack::Stack;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, chdir, getpid, getppid, set_parent_process_death_signal, setpgid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::convert::Infallible;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::atomic::{AtomicI32, Ordering, fence};

/// What the child is told, and what it tells.
#[derive(Debug)]
struct Orders {
    image: Image,
    streams: Streams,
    starter: Pid,
    none: Signals,
    /// The kernel's number, where the child did not become the program.
    errno: AtomicI32,
    /// The kernel writes zero here when the child leaves our memory, by `execve` or by its end.
    inside: AtomicI32,
}

/// A child that may not be the program yet.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// What it uses of ours; nothing once it has left.
    used: Option<(Rc<Orders>, Stack)>,
}

impl Child {
    /// Its process, and its process group from the first moment.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// What became of it, once, with its stack for another one; `None` while it is neither the program nor at its end.
    pub(crate) fn outcome(&mut self) -> Option<(Result<(), Errno>, Stack)> {
        let (orders, _) = self.used.as_ref()?;
        if orders.inside.load(Ordering::Acquire) != 0 {
            return None;
        }
        let (orders, stack) = self.used.take()?;
        let errno = orders.errno.load(Ordering::Relaxed);
        Some((if errno == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(errno)) }, stack))
    }

    /// The child was reaped: it uses nothing any more, whatever the kernel did not write on its way out.
    pub(crate) fn was_reaped(&mut self) {
        if let Some((orders, _)) = &self.used {
            orders.inside.store(0, Ordering::Release);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.outcome().is_none() {
            // It is still there. Memory that is never given back harms nobody.
            std::mem::forget(self.used.take());
        }
    }
}

/// Begins the program, and does not wait for it. The process group exists when this returns.
pub(crate) fn start(image: Image, streams: Streams, mut stack: Stack) -> Result<Child, Errno> {
    let (starter, none) = (getpid(), Signals::none()?);
    let (errno, inside) = (AtomicI32::new(0), AtomicI32::new(1));
    let orders = Rc::new(Orders { image, streams, starter, none, errno, inside });
    let before = Signals::all()?.block()?;
    let pid = clone(&orders, &mut stack);
    let restored = before.block();
    let child = Child { pid: pid?, used: Some((orders, stack)) };
    restored?;
    // The child does the same, for either may be first. Where it has come as far as `execve` this is too late, and not needed.
    match setpgid(Some(child.pid), Some(child.pid)) {
        Ok(()) | Err(Errno::ACCESS | Errno::SRCH) => Ok(child),
        Err(error) => Err(error),
    }
}

#[expect(unsafe_code, reason = "a child that shares this memory is had from the kernel only")]
fn clone(orders: &Rc<Orders>, stack: &mut Stack) -> Result<Pid, Errno> {
    // What would write our `errno` must not run beside us.
    let beside = if WRITES_ERRNO { libc::CLONE_VFORK } else { 0 };
    let flags = libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD | beside;
    let (told, inside) = (Rc::as_ptr(orders), orders.inside.as_ptr());
    let (parent_number, thread_local) = (null_mut::<libc::pid_t>(), null_mut::<c_void>());
    // SAFETY: the stack is memory that nobody else uses, with its upper end aligned. Stack and orders are kept by `Child` until the
    // kernel has written that the child has left this memory, or for ever. The child leaves all the rest as it was: see
    // `child`. The two null pointers belong to flags that are not set, the last one to CLONE_CHILD_CLEARTID.
    let pid = unsafe {
        libc::clone(
            child,
            stack.top(),
            flags,
            told.cast_mut().cast::<c_void>(),
            parent_number,
            thread_local,
            inside,
        )
    };
    if pid == -1 { Err(signals::last()) } else { Pid::from_raw(pid).ok_or(Errno::SRCH) }
}

/// The child's life. Its end is its answer, where it did not become the program.
///
/// Nothing here may allocate, take a lock, panic, return past its caller or touch what belongs to the starter's thread, `errno`
/// among it: the starter runs beside it. It makes system calls, and writes only what is atomic.
#[expect(unsafe_code, reason = "the kernel hands the orders over as an address")]
extern "C" fn child(orders: *mut c_void) -> c_int {
    // SAFETY: `clone` hands over the address of its orders, which are kept until the child is gone, and are only shared.
    let orders = unsafe { &*orders.cast_const().cast::<Orders>() };
    let Err(errno) = become_program(orders);
    orders.errno.store(errno.raw_os_error(), Ordering::Relaxed);
    // Seen by whoever sees what the kernel writes behind us.
    fence(Ordering::SeqCst);
    127
}

fn become_program(orders: &Orders) -> Result<Infallible, Errno> {
    let Orders { image, streams, starter, .. } = orders;
    // All three lie above the standard ones, which the runtime has seen to be open when this process began; so none is put
    // over another, and the copies are not closed by `execve`.
    dup2_stdin(&streams.input)?;
    dup2_stdout(&streams.output)?;
    dup2_stderr(&streams.error)?;
    // At once: `execve` may be held up, and others wait until what they have the other end of is closed by everybody.
    harden::let_go()?;
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
    execute(image)
}

/// Becomes the first candidate that can be executed, as `execvp` does it: one that is not there, or may not be looked at, is
/// passed over; what the kernel does not know is read by the shell; another failure ends the search.
fn execute(image: &Image) -> Result<Infallible, Errno> {
    let (mut last, mut forbidden) = (Errno::NOENT, None);
    for path in image.candidates() {
        last = become_one(path, image.arguments(), image);
        if last == Errno::NOEXEC {
            let (shell, arguments) = image.read_by_the_shell(path);
            last = become_one(shell, arguments, image);
        }
        match last {
            Errno::ACCESS => forbidden = Some(last),
            Errno::NOENT | Errno::STALE | Errno::NOTDIR | Errno::NODEV | Errno::TIMEDOUT => {}
            _ => return Err(last),
        }
    }
    Err(forbidden.unwrap_or(last))
}

/// Comes back only where it failed.
#[expect(unsafe_code, reason = "execve trusts its pointers")]
fn become_one(path: &CStr, arguments: *const *const c_char, image: &Image) -> Errno {
    // SAFETY: both lists end in null and point to texts that end in zero, all of which live as long as the image.
    unsafe { execve(path, arguments, image.environment()) }
}
