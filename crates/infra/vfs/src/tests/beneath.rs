//! A VFS that lies beneath ours: it counts what is written into logs and fails when it is told to. Each thread has its own count.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use libsqlite3_sys as ffi;
use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, OnceLock};

pub(super) const NAME: &str = "dvt-beneath";

/// How writes of logs fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// One write does nothing.
    Once,
    /// One write is done in half.
    Torn,
    /// Every write from one on finds no room.
    Full,
}

thread_local! {
    static WRITES: RefCell<Vec<(i64, usize)>> = const { RefCell::new(Vec::new()) };
    static FAILURE: Cell<Option<(Failure, u64)>> = const { Cell::new(None) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Places and lengths of the writes of logs since the last time.
pub(super) fn writes() -> Vec<(i64, usize)> {
    WRITES.take()
}

/// From now on the write of this number fails; returns how many there were since the last call.
pub(super) fn fail(failure: Option<(Failure, u64)>) -> u64 {
    FAILURE.set(failure);
    NUMBER.replace(0)
}

/// Where a log has the address of its real table: beyond what the default VFS uses. In `pMethods` lies whatever lies over us.
static SLOT: OnceLock<usize> = OnceLock::new();

fn real_of(file: *mut ffi::sqlite3_file) -> *mut *const ffi::sqlite3_io_methods {
    file.wrapping_byte_add(*SLOT.get().unwrap()).cast()
}

pub(super) fn register() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // SAFETY: null asks for the default VFS, which lives as long as the process.
        let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        // SAFETY: as above.
        let default = unsafe { &*default };
        let slot = usize::try_from(default.szOsFile).unwrap().next_multiple_of(8);
        SLOT.set(slot).unwrap();
        let vfs = ffi::sqlite3_vfs {
            szOsFile: c_int::try_from(slot + 8).unwrap(),
            pNext: std::ptr::null_mut(),
            zName: c"dvt-beneath".as_ptr(),
            xOpen: Some(open),
            ..*default
        };
        // SAFETY: leaked, so it lives as long as SQLite may use it.
        assert_eq!(unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) }, ffi::SQLITE_OK);
    });
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    static TABLES: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
    // SAFETY: ours is not the default, so this is the real one.
    let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: as above.
    let real = unsafe { (*default).xOpen }.unwrap();
    // SAFETY: SQLite's own arguments.
    let code = unsafe { real(default, name, file, flags, out) };
    if code == ffi::SQLITE_OK && flags & ffi::SQLITE_OPEN_WAL != 0 {
        // SAFETY: after a successful open this is the file's table.
        let methods = unsafe { (*file).pMethods };
        let mut tables = TABLES.lock().unwrap();
        let made = tables.iter().find(|(real, _)| *real == methods.addr()).map(|(_, made)| *made);
        let made = made.unwrap_or_else(|| {
            // SAFETY: a table is never changed.
            let real = unsafe { *methods };
            let ours = ffi::sqlite3_io_methods { xWrite: Some(write), ..real };
            let table = Box::into_raw(Box::new(ours)).expose_provenance();
            tables.push((methods.addr(), table));
            table
        });
        // SAFETY: there is room at the slot.
        unsafe { real_of(file).write(methods) };
        // SAFETY: the file is open, and the table is leaked.
        unsafe { (*file).pMethods = std::ptr::with_exposed_provenance(made) };
    }
    code
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    let number = NUMBER.get() + 1;
    NUMBER.set(number);
    let written = match FAILURE.get() {
        Some((Failure::Once, which)) if number == which => return ffi::SQLITE_IOERR_WRITE,
        Some((Failure::Full, from)) if number >= from => return ffi::SQLITE_FULL,
        Some((Failure::Torn, which)) if number == which => length / 2,
        _ => length,
    };
    WRITES.with_borrow_mut(|writes| writes.push((at, usize::try_from(written).unwrap())));
    // SAFETY: only logs come here, and `open` wrote it.
    let real = unsafe { real_of(file).read() };
    // SAFETY: the real table lives as long as the process.
    let real = unsafe { (*real).xWrite }.unwrap();
    // SAFETY: SQLite's own arguments, or less of them.
    let code = unsafe { real(file, from, written, at) };
    if written < length { ffi::SQLITE_IOERR_WRITE } else { code }
}
