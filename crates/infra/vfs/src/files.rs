//! Methods of open files: the real table with some entries replaced, so everything else goes straight to SQLite's own code.
//!
//! A database file and its log share one [`Gathering`], which each holds behind a pointer of ours at the end of its memory. The
//! database file is told of the write lock, the log is written to; neither ever looks into the other. What lies under us must
//! not look for itself in `pMethods`: SQLite's own VFS does not. What every function below rests on: SQLite calls a method of a file only between that file's `xOpen` and `xClose`, with pointers that are valid for the
//! lengths it names (sqlite.org/c3ref/io_methods.html). Nothing here unwinds: no call below can panic.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use crate::gathering::Gathering;
use libsqlite3_sys as ffi;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What both files of a connection hold.
type Shared = Mutex<Gathering>;

/// The lock that a writer holds (sqlite.org/walformat.html, 2.3: `WAL_WRITE_LOCK`).
const WRITE_LOCK: c_int = 0;

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Database,
    Log,
}

/// A real table of methods with ours in some places; the real one and the place of our pointer beside it.
#[repr(C)]
struct Table {
    methods: ffi::sqlite3_io_methods,
    real: *const ffi::sqlite3_io_methods,
    slot: usize,
}

/// A table is known by the real one, the place of our pointer, and the file that it is for.
static TABLES: Mutex<BTreeMap<(usize, usize, Kind), usize>> = Mutex::new(BTreeMap::new());

/// Takes over a database file or a log that was just opened; other files, and those that have no shared index, are left alone.
///
/// # Safety
/// `file` is open, SQLite gave `name` and `flags` to its `xOpen`, and its memory has room for a pointer at `slot`, which is a
/// multiple of a pointer's alignment and beyond what the real VFS uses.
pub(crate) unsafe fn take_over(file: *mut ffi::sqlite3_file, name: *const c_char, flags: c_int, slot: usize) {
    // SAFETY: after a successful open `pMethods` is the file's table, or null.
    let methods = unsafe { (*file).pMethods };
    // SAFETY: as above; a table is never changed.
    let Some(real) = (unsafe { methods.as_ref() }) else { return };
    let taken = if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
        let has_index = real.iVersion >= 2 && real.xShmLock.is_some();
        has_index.then(|| (Kind::Database, Arc::default()))
    } else if flags & ffi::SQLITE_OPEN_WAL != 0 && !name.is_null() {
        // SAFETY: SQLite gave this very name to the `xOpen` of a log, which is what the function asks for.
        let database = unsafe { ffi::sqlite3_database_file_object(name) };
        // SAFETY: the pager of the log keeps its database file open, so the pointer is valid.
        unsafe { shared_of(database, slot) }.map(|shared| (Kind::Log, shared))
    } else {
        None
    };
    let Some((kind, shared)) = taken else { return };
    // SAFETY: the caller's word: there is room for the pointer, and nobody else uses it. `close` takes it back.
    unsafe { slot_of(file, slot).write(Arc::into_raw(shared)) };
    // SAFETY: `file` is open; the table is that of its real methods and lives as long as the process.
    unsafe { (*file).pMethods = table(methods, slot, kind).cast() };
}

/// What a database file of ours shares; `None` for a file that we did not take over.
///
/// # Safety
/// `file` is null or points to a file that is open.
unsafe fn shared_of(file: *mut ffi::sqlite3_file, slot: usize) -> Option<Arc<Shared>> {
    // SAFETY: the caller's word.
    let methods = unsafe { file.as_ref() }?.pMethods.addr();
    let is_ours = tables()
        .iter()
        .any(|((_, at, kind), table)| *table == methods && *at == slot && *kind == Kind::Database);
    if !is_ours {
        return None;
    }
    // SAFETY: our table says that `take_over` wrote the pointer and that `close` did not take it back yet.
    let shared = unsafe { slot_of(file, slot).read() };
    // SAFETY: it came from `Arc::into_raw`, and the file's own count holds it.
    unsafe { Arc::increment_strong_count(shared) };
    // SAFETY: as above; this is the count that was just added.
    Some(unsafe { Arc::from_raw(shared) })
}

fn tables() -> MutexGuard<'static, BTreeMap<(usize, usize, Kind), usize>> {
    TABLES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Our table over a real one; made once for each and never freed, for files may use it until the process ends.
fn table(real: *const ffi::sqlite3_io_methods, slot: usize, kind: Kind) -> *const Table {
    let mut tables = tables();
    let made = tables.entry((real.addr(), slot, kind)).or_insert_with(|| {
        // SAFETY: `real` is a file's table, valid and never changed.
        let methods = unsafe { *real };
        let methods = match kind {
            Kind::Database => ffi::sqlite3_io_methods {
                xClose: Some(close),
                xShmLock: Some(shm_lock),
                xShmUnmap: Some(shm_unmap),
                ..methods
            },
            Kind::Log => ffi::sqlite3_io_methods {
                xClose: Some(close),
                xRead: Some(read),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                xFileSize: Some(file_size),
                ..methods
            },
        };
        Box::into_raw(Box::new(Table { methods, real, slot })).expose_provenance()
    });
    std::ptr::with_exposed_provenance(*made)
}

/// Where our pointer lies in the memory of a file.
fn slot_of(file: *mut ffi::sqlite3_file, slot: usize) -> *mut *const Shared {
    file.wrapping_byte_add(slot).cast()
}

/// The table of a file that we took over.
fn ours<'a>(file: *mut ffi::sqlite3_file) -> &'a Table {
    // SAFETY: SQLite gives the file that it called the method of, which is open.
    let methods = unsafe { (*file).pMethods };
    // SAFETY: only files whose table `take_over` replaced come here; a `Table` begins with the methods that the file points to,
    // and lives as long as the process.
    unsafe { &*methods.cast::<Table>() }
}

/// The real methods of such a file.
fn real<'a>(file: *mut ffi::sqlite3_file) -> &'a ffi::sqlite3_io_methods {
    // SAFETY: a file's real table lives as long as the process and is never changed.
    unsafe { &*ours(file).real }
}

/// What is held for its connection.
fn gathering<'a>(file: *mut ffi::sqlite3_file) -> MutexGuard<'a, Gathering> {
    // SAFETY: `take_over` wrote the pointer, and `close` has not been called.
    let shared = unsafe { slot_of(file, ours(file).slot).read() };
    // SAFETY: the file's own count keeps it until `close`, which SQLite calls after every other method has returned.
    unsafe { &*shared }.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the real VFS writes into this file.
fn real_write(file: *mut ffi::sqlite3_file) -> impl FnMut(&[u8], i64) -> c_int {
    move |bytes, at| {
        let (Some(write), Ok(length)) = (real(file).xWrite, c_int::try_from(bytes.len())) else {
            return ffi::SQLITE_IOERR_WRITE;
        };
        // SAFETY: the file is open and the bytes are readable for their length.
        unsafe { write(file, bytes.as_ptr().cast(), length, at) }
    }
}

/// How long the real VFS finds this file.
fn real_length(file: *mut ffi::sqlite3_file) -> Option<i64> {
    let mut length = 0;
    // SAFETY: the file is open, and the number lives during the call.
    let code = unsafe { real(file).xFileSize?(file, &raw mut length) };
    (code == ffi::SQLITE_OK).then_some(length)
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // Whichever of the two is closed, its connection writes no more of this transaction.
    gathering(file).end();
    // SAFETY: the pointer that `take_over` wrote; SQLite calls no method of this file any more.
    let shared = unsafe { slot_of(file, ours(file).slot).read() };
    // SAFETY: it came from `Arc::into_raw`, and nobody reads it again.
    drop(unsafe { Arc::from_raw(shared) });
    match real(file).xClose {
        // SAFETY: the file is SQLite's own, and open.
        Some(close) => unsafe { close(file) },
        None => ffi::SQLITE_IOERR_CLOSE,
    }
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    from: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    let Some(lock) = real(file).xShmLock else { return ffi::SQLITE_IOERR_SHMLOCK };
    let is_the_writers =
        flags & ffi::SQLITE_SHM_EXCLUSIVE != 0 && (from..from.saturating_add(count)).contains(&WRITE_LOCK);
    // Before, for afterwards another writer may already be at the same place of the log.
    if is_the_writers && flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        gathering(file).end();
    }
    // SAFETY: the arguments are SQLite's own.
    let code = unsafe { lock(file, from, count, flags) };
    if is_the_writers && flags & ffi::SQLITE_SHM_LOCK != 0 && code == ffi::SQLITE_OK {
        gathering(file).begin();
    }
    code
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    // Locks end with the map.
    gathering(file).end();
    match real(file).xShmUnmap {
        // SAFETY: the arguments are SQLite's own.
        Some(unmap) => unsafe { unmap(file, delete) },
        None => ffi::SQLITE_IOERR,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    let (false, Ok(length)) = (from.is_null(), usize::try_from(length)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite gives `length` readable bytes, and they do not change during the call.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) };
    gathering(file).write(bytes, at, &mut real_write(file))
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, length: c_int, at: i64) -> c_int {
    let Some(read) = real(file).xRead else { return ffi::SQLITE_IOERR_READ };
    let code = gathering(file).before_read(at.saturating_add(length.into()), &mut real_write(file));
    if code != ffi::SQLITE_OK {
        return code;
    }
    // SAFETY: the arguments are SQLite's own.
    unsafe { read(file, into, length, at) }
}

/// Writes what is held; an error where it is lost.
fn settle(file: *mut ffi::sqlite3_file) -> c_int {
    gathering(file).settle(&mut real_write(file))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let settled = gathering(file).before_cut(size, &mut real_write(file));
    match (settled, real(file).xTruncate) {
        // SAFETY: the arguments are SQLite's own.
        (ffi::SQLITE_OK, Some(truncate)) => unsafe { truncate(file, size) },
        (ffi::SQLITE_OK, None) => ffi::SQLITE_IOERR_TRUNCATE,
        (code, _) => code,
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let settled = gathering(file).before_sync(|| real_length(file), &mut real_write(file));
    match (settled, real(file).xSync) {
        // SAFETY: the arguments are SQLite's own.
        (ffi::SQLITE_OK, Some(sync)) => unsafe { sync(file, flags) },
        (ffi::SQLITE_OK, None) => ffi::SQLITE_IOERR_FSYNC,
        (code, _) => code,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    match (settle(file), real(file).xFileSize) {
        // SAFETY: the arguments are SQLite's own.
        (ffi::SQLITE_OK, Some(size)) => unsafe { size(file, out) },
        (ffi::SQLITE_OK, None) => ffi::SQLITE_IOERR_FSTAT,
        (code, _) => code,
    }
}
