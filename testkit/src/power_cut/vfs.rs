//! The VFS: SQLite's file operations on a [`Disk`].
//!
//! The one place of this crate with `unsafe`. What it rests on, for every function below: SQLite calls a method of a file
//! only between that file's `xOpen` and `xClose`, from one thread at a time per file, with pointers that are valid for the
//! lengths it names (sqlite.org/c3ref/io_methods.html). Nothing here unwinds: no call below can panic.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use super::disk::{Disk, SyncKind};
use super::fault::{Call, Trouble};
use libsqlite3_sys as ffi;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};

/// The name by which a store asks for it.
pub const NAME: &str = "dvt-power-cut";
const C_NAME: &CStr = c"dvt-power-cut";

static DISKS: Mutex<BTreeMap<PathBuf, Arc<Disk>>> = Mutex::new(BTreeMap::new());

/// Puts a disk under a folder; files below it lie on that disk from now on.
pub fn mount(folder: &Path, disk: &Arc<Disk>) -> Result<(), String> {
    register()?;
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), Arc::clone(disk));
    Ok(())
}

/// Takes it away. Open files keep it alive.
pub fn unmount(folder: &Path) {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner).remove(folder);
}

fn disk_of(name: &str) -> Option<Arc<Disk>> {
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.iter().find(|(folder, _)| Path::new(name).starts_with(folder)).map(|(_, disk)| Arc::clone(disk))
}

/// What SQLite allocates for a file: its own part first, then where ours lies.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    disk: Arc<Disk>,
    name: String,
    id: u64,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

fn register() -> Result<(), String> {
    static ONCE: Once = Once::new();
    static RESULT: Mutex<c_int> = Mutex::new(ffi::SQLITE_ERROR);
    ONCE.call_once(|| {
        // SAFETY: a null name asks for the default VFS; the answer is null or lives as long as the process.
        let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        // SAFETY: as above; `as_ref` turns null into `None`.
        let Some(default) = (unsafe { default.as_ref() }) else { return };
        let vfs = ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<Handle>()).unwrap_or(c_int::MAX),
            mxPathname: 1024,
            pNext: std::ptr::null_mut(),
            zName: C_NAME.as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            // The default's clock and chance do not look at the VFS that they are given.
            ..*default
        };
        // SAFETY: the structure is leaked, so it lives as long as SQLite may use it, and its name is static.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
        *RESULT.lock().unwrap_or_else(PoisonError::into_inner) = code;
    });
    match *RESULT.lock().unwrap_or_else(PoisonError::into_inner) {
        ffi::SQLITE_OK => Ok(()),
        code => Err(format!("SQLite does not take the VFS: {code}")),
    }
}

/// The text of a name; `None` for a null pointer (a temporary file) or no UTF-8.
fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and SQLite's names end with a zero and outlive the call that they are given to.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

/// Our part of an open file.
fn opened<'a>(file: *mut ffi::sqlite3_file) -> &'a Open {
    // SAFETY: SQLite gives back the pointer that `open` filled: a `Handle` whose `open` came from `Box::into_raw` and is
    // freed in `close` alone. It is only read through shared references.
    unsafe { &*(*file.cast::<Handle>()).open }
}

fn result(done: Result<(), Trouble>, io: c_int) -> c_int {
    match done {
        Ok(()) => ffi::SQLITE_OK,
        Err(trouble) => code(trouble, io),
    }
}

fn code(trouble: Trouble, io: c_int) -> c_int {
    match trouble {
        Trouble::Dark | Trouble::Io => io,
        Trouble::Full => ffi::SQLITE_FULL,
        Trouble::ReadOnly => ffi::SQLITE_READONLY,
    }
}

fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for `szOsFile` bytes; a null `pMethods` says that nothing is open and nothing is to close.
    unsafe { (*file).pMethods = std::ptr::null() };
    let Some((name, disk)) = text(name).and_then(|name| Some((name, disk_of(name)?))) else {
        return ffi::SQLITE_CANTOPEN;
    };
    let kind = match flags {
        flags if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 => SyncKind::Database,
        flags if flags & ffi::SQLITE_OPEN_WAL != 0 => SyncKind::Log,
        _ => SyncKind::Journal,
    };
    let mut given = flags;
    let id = {
        let mut state = disk.lock();
        let creates = flags & ffi::SQLITE_OPEN_CREATE != 0 && !state.exists(name);
        if state.is_read_only() && creates {
            return ffi::SQLITE_CANTOPEN;
        }
        if state.is_read_only() {
            given =
                (flags & !(ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE)) | ffi::SQLITE_OPEN_READONLY;
        }
        if state.meet(Call::Open).is_err() || !state.open(name, kind, flags & ffi::SQLITE_OPEN_CREATE != 0) {
            return ffi::SQLITE_CANTOPEN;
        }
        state.handle()
    };
    let open = Box::into_raw(Box::new(Open { disk, name: name.to_owned(), id }));
    // SAFETY: room for a whole `Handle`, as above; `out` is null or valid.
    unsafe {
        file.cast::<Handle>()
            .write(Handle { base: ffi::sqlite3_file { pMethods: &raw const METHODS }, open });
        if let Some(out) = out.as_mut() {
            *out = given;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: called once per file; the pointer came from `Box::into_raw` in `open`.
    let open = unsafe { Box::from_raw((*file.cast::<Handle>()).open) };
    let mut state = open.disk.lock();
    if let Some(found) = state.files.get_mut(&open.name) {
        found.locks.unlock(open.id, 0);
        found.shared.leave(open.id);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, length: c_int, at: i64) -> c_int {
    let open = opened(file);
    let wanted = usize::try_from(length).unwrap_or(0);
    // SAFETY: SQLite gives a buffer of `length` bytes that nobody else uses during the call.
    let buffer = unsafe { std::slice::from_raw_parts_mut(into.cast::<u8>(), wanted) };
    match open.disk.lock().read(&open.name, size(at), buffer) {
        Ok(found) if found == wanted => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(trouble) => code(trouble, ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    let open = opened(file);
    // SAFETY: SQLite gives `length` readable bytes.
    let bytes =
        unsafe { std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(length).unwrap_or(0)) };
    result(open.disk.lock().write(&open.name, size(at), bytes), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    let open = opened(file);
    result(open.disk.lock().truncate(&open.name, size(length)), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    let open = opened(file);
    result(open.disk.lock_for_sync(&open.name).sync(&open.name), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    let open = opened(file);
    let mut state = open.disk.lock();
    if let Err(trouble) = state.meet(Call::Size) {
        return code(trouble, ffi::SQLITE_IOERR_FSTAT);
    }
    let length = state.size(&open.name);
    // SAFETY: SQLite gives a valid place for the answer.
    unsafe { *out = i64::try_from(length).unwrap_or(i64::MAX) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    let open = opened(file);
    let mut state = open.disk.lock();
    if let Err(trouble) = state.meet(Call::Lock) {
        return code(trouble, ffi::SQLITE_IOERR_LOCK);
    }
    let got = state.files.get_mut(&open.name).is_some_and(|found| found.locks.lock(open.id, level));
    if got { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    let open = opened(file);
    if let Some(found) = open.disk.lock().files.get_mut(&open.name) {
        found.locks.unlock(open.id, level);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    let open = opened(file);
    let reserved = open.disk.lock().files.get(&open.name).is_some_and(|found| found.locks.is_reserved());
    // SAFETY: SQLite gives a valid place for the answer.
    unsafe { *out = c_int::from(reserved) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    512
}

/// No promise at all: neither atomic writes nor their order.
unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    number: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let open = opened(file);
    let mut state = open.disk.lock();
    if let Err(trouble) = state.meet(Call::Map) {
        return code(trouble, ffi::SQLITE_IOERR_SHMMAP);
    }
    let (number, bytes) = (usize::try_from(number).unwrap_or(0), usize::try_from(bytes).unwrap_or(0));
    let start = match state.files.get_mut(&open.name) {
        Some(found) => found.shared.region(open.id, number, bytes, extend != 0),
        None => return ffi::SQLITE_IOERR,
    };
    // SAFETY: SQLite gives a valid place for the answer. The region itself neither moves nor ends before the last handle
    // that mapped it has left, which SQLite does by `xShmUnmap` or `xClose`.
    unsafe { *out = start.cast() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    from: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    let open = opened(file);
    let mut state = open.disk.lock();
    let Some(found) = state.files.get_mut(&open.name) else { return ffi::SQLITE_IOERR };
    let slots = from..from.saturating_add(count);
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        found.shared.unlock(open.id, slots);
        return ffi::SQLITE_OK;
    }
    let got = found.shared.lock(open.id, slots, flags & ffi::SQLITE_SHM_EXCLUSIVE != 0);
    if got { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    let open = opened(file);
    if let Some(found) = open.disk.lock().files.get_mut(&open.name) {
        found.shared.leave(open.id);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let Some((name, disk)) = text(name).and_then(|name| Some((name, disk_of(name)?))) else {
        return ffi::SQLITE_IOERR;
    };
    let mut state = disk.lock();
    if !state.exists(name) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    result(state.delete(name, sync != 0), ffi::SQLITE_IOERR)
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _: c_int,
    out: *mut c_int,
) -> c_int {
    let exists = match text(name).and_then(|name| Some((name, disk_of(name)?))) {
        Some((name, disk)) => {
            let mut state = disk.lock();
            if let Err(trouble) = state.meet(Call::Access) {
                return code(trouble, ffi::SQLITE_IOERR_ACCESS);
            }
            state.exists(name)
        }
        None => false,
    };
    // SAFETY: SQLite gives a valid place for the answer.
    unsafe { *out = c_int::from(exists) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the name ends with a zero, as SQLite's names do.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if bytes.len() > usize::try_from(room).unwrap_or(0) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `out` has `room` bytes, at least as many as are copied; the two do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}
