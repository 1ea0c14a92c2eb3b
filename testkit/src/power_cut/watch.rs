//! A VFS that watches: SQLite's own file operations on the real file system, with syncs counted and, on request, the writes
//! to write-ahead logs kept in their order.
//!
//! Changes nothing of what SQLite does. Surprising: it does not wrap the files of the real VFS but gives each the real
//! table of methods with two entries replaced, so everything else goes straight to SQLite's own code. It lies under the
//! store's own VFS, which does the same with ours: so a file's real table is found in its memory and not by the table that it has.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use libsqlite3_sys as ffi;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

/// The name by which a store asks for it.
pub const NAME: &str = "dvt-watch";
const C_NAME: &CStr = c"dvt-watch";

/// What happened to write-ahead logs, each with its place in the order of everything that asks [`order`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes were written; they may still be lost.
    Write(u64, Vec<u8>),
    /// A sync returned: what was written before is durable.
    Sync(u64),
}

static ORDER: AtomicU64 = AtomicU64::new(1);
static LOG_SYNCS: AtomicU64 = AtomicU64::new(0);
static DATABASE_SYNCS: AtomicU64 = AtomicU64::new(0);
static LOG_BYTES: AtomicU64 = AtomicU64::new(0);
static STREAM: Mutex<Option<Vec<Event>>> = Mutex::new(None);
static TABLES: Mutex<BTreeMap<(usize, bool), usize>> = Mutex::new(BTreeMap::new());

/// The next place in the order of events.
pub fn order() -> u64 {
    ORDER.fetch_add(1, Ordering::SeqCst)
}

/// Syncs of write-ahead logs so far.
pub fn log_syncs() -> u64 {
    LOG_SYNCS.load(Ordering::SeqCst)
}

/// Syncs of database files so far.
pub fn database_syncs() -> u64 {
    DATABASE_SYNCS.load(Ordering::SeqCst)
}

/// Bytes written to write-ahead logs so far.
pub fn log_bytes() -> u64 {
    LOG_BYTES.load(Ordering::SeqCst)
}

/// From now on the events are kept.
pub fn keep() {
    *stream() = Some(Vec::new());
}

/// The kept events; none are kept any more.
pub fn taken() -> Vec<Event> {
    stream().take().unwrap_or_default()
}

fn stream() -> std::sync::MutexGuard<'static, Option<Vec<Event>>> {
    STREAM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where in the memory of a file the address of its real table lies: beyond what the real VFS uses. Set before the first file.
static SLOT: OnceLock<usize> = OnceLock::new();

/// That place; `None` before we are registered.
fn slot(file: *mut ffi::sqlite3_file) -> Option<*mut *const ffi::sqlite3_io_methods> {
    Some(file.wrapping_byte_add(*SLOT.get()?).cast())
}

/// Makes the VFS known to SQLite.
pub fn register() -> Result<(), String> {
    static ONCE: Once = Once::new();
    static RESULT: Mutex<c_int> = Mutex::new(ffi::SQLITE_ERROR);
    ONCE.call_once(|| {
        // SAFETY: a null name asks for the default VFS; the answer is null or lives as long as the process.
        let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()).as_ref() };
        let Some(default) = default else { return };
        let slot = usize::try_from(default.szOsFile).unwrap_or(0).next_multiple_of(align_of::<*const ()>());
        let slot = *SLOT.get_or_init(|| slot);
        let vfs = ffi::sqlite3_vfs {
            szOsFile: c_int::try_from(slot + size_of::<*const ()>()).unwrap_or(c_int::MAX),
            pNext: std::ptr::null_mut(),
            zName: C_NAME.as_ptr(),
            // Where `open` finds the real VFS. The real one's own data is looked at by its `xOpen` alone, which is given it.
            xOpen: Some(open),
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

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: as in `register`; ours was registered as not the default, so this is the real one.
    let default = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    // SAFETY: as above.
    let Some(real) = (unsafe { default.as_ref() }).and_then(|default| default.xOpen) else {
        return ffi::SQLITE_CANTOPEN;
    };
    // SAFETY: SQLite's own arguments go on unchanged; `file` has room for its file, and more.
    let code = unsafe { real(default, name, file, flags, out) };
    let is_log = flags & ffi::SQLITE_OPEN_WAL != 0;
    if code == ffi::SQLITE_OK
        && (is_log || flags & ffi::SQLITE_OPEN_MAIN_DB != 0)
        && let Some(slot) = slot(file)
    {
        // SAFETY: after a successful open `pMethods` is the file's table, which is static in SQLite's VFS; SQLite gave
        // `szOsFile` bytes, of which the last are for this pointer.
        unsafe {
            let methods = (*file).pMethods;
            slot.write(methods);
            (*file).pMethods = table(methods, is_log);
        }
    }
    code
}

/// Our table over a real one; made once for each and never freed, for files may use it until the process ends.
fn table(real: *const ffi::sqlite3_io_methods, is_log: bool) -> *const ffi::sqlite3_io_methods {
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let made = tables.entry((real.addr(), is_log)).or_insert_with(|| {
        // SAFETY: `real` is a file's table, valid and never changed.
        let methods = unsafe { *real };
        let methods = match is_log {
            true => ffi::sqlite3_io_methods { xSync: Some(sync_log), xWrite: Some(write_log), ..methods },
            false => ffi::sqlite3_io_methods { xSync: Some(sync_database), ..methods },
        };
        Box::into_raw(Box::new(methods)).expose_provenance()
    });
    std::ptr::with_exposed_provenance(*made)
}

/// The real table of an open file.
fn real<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a ffi::sqlite3_io_methods> {
    // SAFETY: only files whose table `open` replaced come here, and it wrote the pointer; the real table lives as long as the
    // process and is never changed.
    slot(file).map(|slot| unsafe { &*slot.read() })
}

fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    match real(file).and_then(|real| real.xSync) {
        // SAFETY: the arguments are SQLite's own.
        Some(sync) => unsafe { sync(file, flags) },
        None => ffi::SQLITE_IOERR_FSYNC,
    }
}

unsafe extern "C" fn sync_log(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let code = sync(file, flags);
    LOG_SYNCS.fetch_add(1, Ordering::SeqCst);
    if let Some(events) = stream().as_mut().filter(|_| code == ffi::SQLITE_OK) {
        events.push(Event::Sync(order()));
    }
    code
}

unsafe extern "C" fn sync_database(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    DATABASE_SYNCS.fetch_add(1, Ordering::SeqCst);
    sync(file, flags)
}

unsafe extern "C" fn write_log(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    let Some(write) = real(file).and_then(|real| real.xWrite) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: the arguments are SQLite's own.
    let code = unsafe { write(file, from, length, at) };
    let length = usize::try_from(length).unwrap_or(0);
    LOG_BYTES.fetch_add(length as u64, Ordering::SeqCst);
    if let Some(events) = stream().as_mut() {
        // SAFETY: SQLite gives `length` readable bytes.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) };
        events.push(Event::Write(order(), bytes.to_vec()));
    }
    code
}
