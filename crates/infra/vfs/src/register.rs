//! Making the VFS known to SQLite, over the default one or over another.
//!
//! It is never the default itself: whoever wants it asks for it by name. Surprising: it is a copy of the real VFS under
//! another name; of its own it has only `xOpen`, which gives each file room for a pointer of ours.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use crate::files;
use libsqlite3_sys as ffi;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int};
use std::sync::{Mutex, PoisonError};

/// Our name over the default VFS; over another its name follows a plus.
const NAME: &str = "dvt";

/// Why there is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// SQLite has no VFS of that name, or no default one.
    #[error("SQLite knows no file system `{0}`")]
    Unknown(String),
    /// SQLite refuses ours.
    #[error("SQLite does not take the file system `{0}`: code {1}")]
    Refused(String, i32),
}

/// A VFS of ours as SQLite has it, and what lies under it.
#[repr(C)]
struct Ours {
    vfs: ffi::sqlite3_vfs,
    real: *mut ffi::sqlite3_vfs,
    slot: usize,
}

/// The names that were given out, by the name of what lies under them.
static REGISTERED: Mutex<BTreeMap<String, &'static str>> = Mutex::new(BTreeMap::new());

/// The name of our VFS over the real one of the given name, over the default without one. Registered once and for good; a name
/// that was given out here is given back as it is.
pub fn over(real: Option<&str>) -> Result<&'static str, Error> {
    let under = real.unwrap_or_default();
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = registered.get(under).or_else(|| registered.values().find(|ours| **ours == under));
    if let Some(ours) = known {
        return Ok(ours);
    }
    let name = match real {
        None => NAME.to_owned(),
        Some(real) => format!("{NAME}+{real}"),
    };
    register(real, &name)?;
    let name: &'static str = name.leak();
    registered.insert(under.to_owned(), name);
    Ok(name)
}

fn register(real: Option<&str>, name: &str) -> Result<(), Error> {
    let unknown = || Error::Unknown(real.unwrap_or("default").to_owned());
    let asked = real.map(CString::new).transpose().map_err(|_| unknown())?;
    let asked = asked.as_ref().map_or(std::ptr::null(), |asked| asked.as_ptr());
    // SAFETY: null asks for the default; else the name ends with a zero and outlives the call.
    let real = unsafe { ffi::sqlite3_vfs_find(asked) };
    // SAFETY: the answer is null, or a VFS that is registered; such a one stays where it is and is not taken out again by us or by
    // SQLite.
    let under = unsafe { real.as_ref() }.ok_or_else(unknown)?;
    let refused = |code| Error::Refused(name.to_owned(), code);
    let size = usize::try_from(under.szOsFile).map_err(|_| refused(ffi::SQLITE_MISUSE))?;
    let slot = size.next_multiple_of(align_of::<*const ()>());
    let room = c_int::try_from(slot + size_of::<*const ()>()).map_err(|_| refused(ffi::SQLITE_TOOBIG))?;
    let c_name = CString::new(name).map_err(|_| unknown())?;
    let vfs = ffi::sqlite3_vfs {
        szOsFile: room,
        pNext: std::ptr::null_mut(),
        zName: c_name.into_raw().cast_const(),
        xOpen: Some(open),
        // The rest is the real one's. Those of its methods that look at the VFS they are given look at what is copied here with
        // them (`pAppData`, `mxPathname`); `xOpen`, which may keep the pointer, is given the real one.
        ..*under
    };
    let ours = Box::into_raw(Box::new(Ours { vfs, real, slot }));
    // SAFETY: `Ours` begins with the VFS, and both it and its name are leaked, so they live as long as SQLite may use them.
    match unsafe { ffi::sqlite3_vfs_register(ours.cast(), 0) } {
        ffi::SQLITE_OK => Ok(()),
        code => Err(refused(code)),
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives the VFS that it calls `xOpen` of, and this one stands in an `Ours` alone.
    let ours = unsafe { &*vfs.cast::<Ours>() };
    // SAFETY: as in `register`.
    let Some(open) = (unsafe { ours.real.as_ref() }).and_then(|real| real.xOpen) else {
        return ffi::SQLITE_CANTOPEN;
    };
    // SAFETY: SQLite's own arguments go on to the VFS that they are now for; `file` has room for its file, and more.
    let code = unsafe { open(ours.real, name, file, flags, out) };
    if code == ffi::SQLITE_OK {
        // SAFETY: the file is open; SQLite gave `szOsFile` bytes, of which the last are for the pointer at `slot`.
        unsafe { files::take_over(file, name, flags, ours.slot) };
    }
    code
}
