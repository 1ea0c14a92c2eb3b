//! `execve` without the C library, which writes its failure into `errno`: a word of the calling thread, and a child in the memory
//! of the starter has the starter's.
//!
//! Where we do not know how to ask the kernel ourselves it is the C library's, and then nobody may run beside the child.

use rustix::io::Errno;
use std::ffi::{CStr, c_char};

/// Whether a failure is written into `errno`.
pub(crate) const WRITES_ERRNO: bool = !cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Becomes another program; comes back only where that failed.
///
/// # Safety
///
/// Both lists end in null and point to texts that end in zero.
#[expect(unsafe_code, reason = "the kernel trusts the pointers")]
pub(crate) unsafe fn execve(
    path: &CStr,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> Errno {
    // SAFETY: the path ends in zero, and the caller vouches for the lists.
    let answer = unsafe { call(path.as_ptr(), arguments, environment) };
    Errno::from_raw_os_error(i32::try_from(answer.saturating_neg()).unwrap_or(libc::EIO))
}

/// The kernel's answer: the negative number of the failure.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "a system call")]
unsafe fn call(
    path: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> i64 {
    let answer;
    // SAFETY: the convention of system calls: number and answer in rax, rcx and r11 written over, no stack. The kernel reads
    // what the caller vouches for.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") libc::SYS_execve => answer,
            in("rdi") path,
            in("rsi") arguments,
            in("rdx") environment,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// The kernel's answer: the negative number of the failure.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "a system call")]
unsafe fn call(
    path: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> i64 {
    let answer;
    // SAFETY: the convention of system calls: number in x8, answer in x0, no stack. The kernel reads what the caller vouches for.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") libc::SYS_execve,
            inlateout("x0") path => answer,
            in("x1") arguments,
            in("x2") environment,
            options(nostack),
        );
    }
    answer
}

/// The same by the C library.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[expect(unsafe_code, reason = "the C library trusts the pointers")]
unsafe fn call(
    path: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) -> i64 {
    // SAFETY: the caller vouches for all three.
    unsafe { libc::execve(path, arguments, environment) };
    -i64::from(crate::signals::last().raw_os_error())
}
