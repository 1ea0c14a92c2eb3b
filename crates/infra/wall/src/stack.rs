//! Memory for the stack of a child that has none of its own yet.

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::ffi::c_void;
use std::ptr::null_mut;

/// What the child needs is a few hundred bytes; unoptimised a few thousand.
const SIZE_BYTES: usize = 64 << 10;
/// Lies below it and may not be touched: who runs over the end of the stack dies, instead of writing over something else.
/// A page everywhere, for pages are 4 to 64 KiB.
const GUARD_BYTES: usize = 64 << 10;

/// A stack, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    lowest: *mut c_void,
}

impl Stack {
    /// Takes the memory; the kernel gives pages as they are touched.
    #[expect(unsafe_code, reason = "memory with a guard is had from the kernel only")]
    pub(crate) fn new() -> Result<Self, Errno> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::STACK);
        // SAFETY: without an address of ours and without `FIXED` the kernel takes memory that nobody has.
        let lowest = unsafe { mmap_anonymous(null_mut(), GUARD_BYTES + SIZE_BYTES, access, flags) }?;
        let stack = Self { lowest };
        // SAFETY: these bytes are the lowest ones of the memory above, which nobody uses yet.
        unsafe { mprotect(stack.lowest, GUARD_BYTES, MprotectFlags::empty()) }?;
        Ok(stack)
    }

    /// Its upper end, where it begins: stacks grow downwards wherever DVT runs. Aligned as memory from the kernel is.
    pub(crate) fn top(&mut self) -> *mut c_void {
        self.lowest.wrapping_byte_add(GUARD_BYTES + SIZE_BYTES)
    }
}

impl Drop for Stack {
    #[expect(unsafe_code, reason = "memory from the kernel is given back to it")]
    fn drop(&mut self) {
        // SAFETY: the memory is ours since `new`, and is kept for as long as somebody runs on it.
        let given_back = unsafe { munmap(self.lowest, GUARD_BYTES + SIZE_BYTES) };
        debug_assert!(given_back.is_ok(), "memory of our own is given back");
    }
}
