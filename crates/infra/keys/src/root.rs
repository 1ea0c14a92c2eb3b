//! The root key: 32 random bytes in a file that only its owner can read. Embedded it is the root KEK itself.
//!
//! A file that others could read is refused, not repaired: who could read it once may have done so. Surprising: a [`RootKey`]
//! holds no key. It knows the place, and the bytes are in memory only while something directly below them is opened or made.

use crate::error::Error;
use crate::secret::Secret;
use dvt_model::fault::reason;
use rustix::fs::OFlags;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bits of group and others.
const FOREIGN_BITS: u32 = 0o077;

/// The place of the key above all others.
// INVARIANT(INV-19): no plain root key outlives the opening of one key below it.
pub struct RootKey {
    path: PathBuf,
}

fn refused(path: &Path, reason: impl Into<String>) -> Error {
    Error::RootFile { path: path.to_owned(), reason: reason.into(), close: None }
}

fn open_to_others(path: &Path, reason: impl Into<String>, (what, mode): (&Path, u32)) -> Error {
    let close = Some((what.to_owned(), mode));
    Error::RootFile { path: path.to_owned(), reason: reason.into(), close }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl RootKey {
    /// Draws a root key and writes it to `path`, which must not exist. The folder is made with mode 0700 where it is
    /// missing, and refused where others may enter it.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let fail = |error: std::io::Error| refused(path, reason(&error));
        let folder = folder_of(path);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        check_owner(path, &std::fs::metadata(folder).map_err(fail)?, "its folder", (folder, 0o700))?;

        let secret = Secret::draw();
        let name = format!(".root-key.{}", dvt_model::digest::hex(&crate::entropy::random::<8>()));
        let draft = folder.join(name);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(fail)?;
        let written = file.write_all(secret.bytes()).and_then(|()| file.sync_all());
        // If we crash before the link, recovery finds no key at this path and makes another: nothing was sealed yet. The
        // link refuses a path that exists, so two starts at once agree on one key, and a half-written file never has the
        // name of the key.
        let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
        let removed = std::fs::remove_file(&draft);
        linked.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => refused(path, "it exists; a root key is never overwritten"),
            _ => fail(error),
        })?;
        removed.map_err(fail)?;
        // If we crash before this sync, the name may be lost; the caller seals nothing before we return.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        Self::at(path)
    }

    /// Looks whether the root key at `path` can be used.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let root = Self::at(path)?;
        root.secret()?;
        Ok(root)
    }

    fn at(path: &Path) -> Result<Self, Error> {
        // The working folder may be another one when the key is read again.
        let path = std::path::absolute(path).map_err(|error| refused(path, reason(&error)))?;
        Ok(Self { path })
    }

    /// Reads it.
    pub(crate) fn secret(&self) -> Result<Secret, Error> {
        let path = self.path.as_path();
        let fail = |error: std::io::Error| refused(path, reason(&error));
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).map_err(|_| Error::Refused)?;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            return Err(refused(path, "it is no plain file"));
        }
        check_owner(path, &metadata, "it", (path, 0o600))?;
        // Who may write the folder may put another key in this one's place.
        let folder = std::fs::metadata(folder_of(path)).map_err(fail)?;
        if folder.mode() & 0o022 != 0 {
            return Err(open_to_others(path, "others may write its folder", (folder_of(path), 0o700)));
        }
        let mut bytes = Zeroizing::new([0; 33]);
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fail(error)),
            }
        }
        let secret = bytes.get(..length).and_then(Secret::from_slice);
        secret.ok_or_else(|| refused(path, "a root key is a file of exactly 32 bytes"))
    }
}

/// Nobody but the owner, who is us, may have a right to it.
fn check_owner(path: &Path, metadata: &Metadata, what: &str, close: (&Path, u32)) -> Result<(), Error> {
    if metadata.mode() & FOREIGN_BITS != 0 {
        let mode = metadata.mode() & 0o7777;
        return Err(open_to_others(path, format!("{what} has mode {mode:04o}, open to others"), close));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, format!("{what} belongs to another user")));
    }
    Ok(())
}
