//! Removing a tree that a hostile step left: however deep, however read-only, with a bounded number of descriptors.
//!
//! The surprising rule: before anything is removed, folders deeper than [`MOST_LEVELS`] are lifted to the top, so that what
//! the standard library then removes (a descriptor and a stack frame a level) is shallow. Links are removed, never followed.

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fchmod, fstat, openat, renameat, statat};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How deep a tree may be when it is removed.
const MOST_LEVELS: usize = 48;
/// Names of what was lifted; drawn on until one is free.
const LIFTED: &str = ".dvt-lifted-";

/// Removes a tree with all that is in it.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let top = rustix::fs::open(path, flags, Mode::empty())?;
    let mut lift = Lift { top: top.as_fd(), count: 0, waiting: Vec::new() };
    lift.walk(&top, 0)?;
    // What was lifted is looked at from the top, each folder once, so the work grows with the tree.
    while let Some(name) = lift.waiting.pop() {
        lift.walk(&openat(&top, name, flags, Mode::empty())?, 1)?;
    }
    std::fs::remove_dir_all(path)
}

struct Lift<'a> {
    top: BorrowedFd<'a>,
    count: u64,
    /// Lifted and not yet walked.
    waiting: Vec<String>,
}

impl Lift<'_> {
    /// Makes every folder below writable and lifts those that are too deep.
    fn walk(&mut self, folder: &OwnedFd, level: usize) -> io::Result<()> {
        fchmod(folder, Mode::RWXU)?;
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    FileType::from_raw_mode(statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                }
                known => known,
            };
            if kind != FileType::Directory {
                continue;
            }
            if level >= MOST_LEVELS {
                self.lift(folder, name)?;
                continue;
            }
            // Our own folder without read permission opens only by its path handle.
            let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inner = openat(folder, name, handle, Mode::empty())?;
            if fstat(&inner)?.st_dev != fstat(folder)?.st_dev {
                return Err(io::Error::other("something is mounted inside it"));
            }
            drop(inner);
            rustix::fs::chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            self.walk(&openat(folder, name, flags, Mode::empty())?, level + 1)?;
        }
        Ok(())
    }

    fn lift(&mut self, folder: &OwnedFd, name: &std::ffi::CStr) -> io::Result<()> {
        rustix::fs::chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
        loop {
            self.count += 1;
            let lifted = format!("{LIFTED}{}", self.count);
            // An existing empty folder is replaced and a full one refuses; both are fine, for all of it goes.
            match renameat(folder, name, self.top, &lifted) {
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.waiting.push(lifted);
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A chain of folders, made by descriptors, for its path would be too long for the kernel.
    fn chain(top: &Path, levels: usize) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = rustix::fs::open(top, flags, Mode::empty()).unwrap();
        for _ in 0..levels {
            rustix::fs::mkdirat(&folder, "deep", Mode::RWXU).unwrap();
            folder = openat(&folder, "deep", flags, Mode::empty()).unwrap();
        }
        fchmod(&folder, Mode::empty()).unwrap();
    }

    #[test]
    fn a_tree_deeper_than_descriptors_and_paths_reach_goes() {
        let base = tempfile::tempdir().unwrap();
        let top = base.path().join("top");
        std::fs::create_dir(&top).unwrap();
        chain(&top, 3_000);
        std::fs::create_dir_all(top.join("beside/inner")).unwrap();
        std::fs::write(top.join("beside/inner/file"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", top.join("beside/link")).unwrap();
        std::fs::set_permissions(top.join("beside/inner"), std::fs::Permissions::from_mode(0o500)).unwrap();
        std::fs::set_permissions(top.join("beside"), std::fs::Permissions::from_mode(0o000)).unwrap();
        // The control, that the chain is too deep for a path: it cannot be named.
        assert!(std::fs::metadata(top.join("deep/".repeat(3_000))).is_err());
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        assert!(Path::new("/etc").exists());
    }

    #[test]
    fn what_is_not_there_says_so() {
        let error = remove_tree(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
