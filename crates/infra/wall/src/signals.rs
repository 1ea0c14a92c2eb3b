//! Signals as starting a child needs them: which are blocked, and what a program inherits.

use rustix::io::Errno;
use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// What is not as it was when this process began: the Rust runtime ignores the first and handles the others.
const SET_BY_THE_RUNTIME: [c_int; 3] = [libc::SIGPIPE, libc::SIGSEGV, libc::SIGBUS];

/// A set of signals.
#[derive(Debug)]
pub(crate) struct Signals(libc::sigset_t);

impl Signals {
    /// None of them.
    #[expect(unsafe_code, reason = "sets of signals are not in rustix")]
    pub(crate) fn none() -> Result<Self, Errno> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `set` is writable memory of the right type.
        check(unsafe { libc::sigemptyset(set.as_mut_ptr()) })?;
        // SAFETY: sigemptyset succeeded, so all of the set is initialised.
        Ok(Self(unsafe { set.assume_init() }))
    }

    /// All that may be blocked.
    #[expect(unsafe_code, reason = "sets of signals are not in rustix")]
    pub(crate) fn all() -> Result<Self, Errno> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `set` is writable memory of the right type.
        check(unsafe { libc::sigfillset(set.as_mut_ptr()) })?;
        // SAFETY: sigfillset succeeded, so all of the set is initialised.
        Ok(Self(unsafe { set.assume_init() }))
    }

    /// Blocks these and no others; gives those that were blocked before.
    #[expect(unsafe_code, reason = "the mask of signals is not in rustix")]
    pub(crate) fn block(&self) -> Result<Self, Errno> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: our set is initialised and only read; `before` is writable memory of the right type.
        check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.0, before.as_mut_ptr()) })?;
        // SAFETY: sigprocmask succeeded, so all of the old set is written.
        Ok(Self(unsafe { before.assume_init() }))
    }
}

/// Gives back to the kernel what the Rust runtime has changed. System calls only, which succeed: a child in the memory of another
/// calls it, whose own signals stay as they are.
#[expect(unsafe_code, reason = "what happens at a signal is not in rustix")]
pub(crate) fn undo_the_runtime() -> Result<(), Errno> {
    // SAFETY: all-zero bytes are a valid `sigaction`: the default, nothing blocked, no flags.
    let default = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    for signal in SET_BY_THE_RUNTIME {
        // SAFETY: `default` is initialised and only read, and names no function; the old one is not asked for.
        check(unsafe { libc::sigaction(signal, &raw const default, null_mut()) })?;
    }
    Ok(())
}

fn check(answer: c_int) -> Result<(), Errno> {
    if answer == -1 { Err(last()) } else { Ok(()) }
}

/// What the last call of the C library failed with.
pub(crate) fn last() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
