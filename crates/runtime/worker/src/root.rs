//! The worker's private folder, and the removal of those that killed workers left behind.
//!
//! Under `$XDG_RUNTIME_DIR` (in memory, and the user's own) where there is one, else in the temporary folder; mode 0700
//! either way. A root is in use while its `lock` is held; a root without `lock` is being made and left alone. So the lock is the last
//! thing that is removed of one: whoever is stopped while he removes it leaves one that the next worker finds.

use crate::removal::remove_tree;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const PREFIX: &str = "dvt-worker-";
const LOCK: &str = "lock";

/// The folder and the lock that says that it is in use.
#[derive(Debug)]
pub(crate) struct Root {
    path: PathBuf,
    _lock: File,
}

impl Root {
    /// Makes the folder.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime =
            std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        match runtime.map(|base| Self::new_in(&base)) {
            Some(Ok(root)) => Ok(root),
            // Named but not usable (another user's, or gone): the temporary folder is as private with mode 0700.
            _ => Self::new_in(&std::env::temp_dir()),
        }
    }

    fn new_in(base: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        let path = builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(base)?.keep();
        // Locked before it has its name, so that nobody ever sees a `lock` of ours that is free.
        let making = path.join("lock.making");
        let lock = File::create_new(&making)?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        std::fs::rename(&making, path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it.
    pub(crate) fn remove(self) -> io::Result<()> {
        remove_root(&self.path)
    }
}

/// Removes what killed workers left beside this root, in a thread of its own: there may be much of it, and nothing waits for it. It ends
/// with the process, wherever it is.
pub(crate) fn remove_abandoned_beside(root: &Path) {
    let Some(base) = root.parent().map(Path::to_owned) else { return };
    let removing = move || {
        if let Err(error) = remove_abandoned(&base) {
            eprintln!("dvt worker: what others left in `{}` is left: {error}", base.display());
        }
    };
    let thread = std::thread::Builder::new().name("dvt-worker-sweep".to_owned());
    if let Err(error) = thread.spawn(removing) {
        eprintln!("dvt worker: what others left is left: {error}");
    }
}

/// Removes a root, its lock last.
fn remove_root(path: &Path) -> io::Result<()> {
    empty(path)?;
    remove_tree(path)
}

/// Removes all but the lock.
fn empty(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => remove_tree(&entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Whatever stands there, opening it waits for nobody.
fn lock_of(root: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(root.join(LOCK), flags, Mode::empty())?.into())
}

/// Removes the roots of workers that were killed.
fn remove_abandoned(base: &Path) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(base)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == own);
        if !is_ours {
            continue;
        }
        let Ok(lock) = lock_of(&entry.path()) else { continue };
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            // What somebody left there in a dead worker's name, and cannot be removed, must not stop the living ones. Another
            // worker may remove it at the same time; whoever comes second finds less.
            Ok(()) => match remove_root(&entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    eprintln!("dvt worker: `{}` is left: {error}", entry.path().display());
                }
                _ => {}
            },
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_folders_are_removed_and_no_others() {
        let base = tempfile::tempdir().unwrap();
        let living = Root::new_in(base.path()).unwrap();
        let killed = Root::new_in(base.path()).unwrap();
        let left = killed.path().to_owned();
        std::fs::create_dir(left.join("read-only")).unwrap();
        std::fs::write(left.join("read-only/file"), "x").unwrap();
        std::fs::set_permissions(left.join("read-only"), Permissions::from_mode(0o500)).unwrap();
        let being_made = base.path().join(format!("{PREFIX}made"));
        let foreign = base.path().join("other");
        for folder in [&being_made, &foreign] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(foreign.join("lock"), "").unwrap();
        // Control: while its lock is held it is not touched.
        remove_abandoned(base.path()).unwrap();
        assert!(left.exists());
        // Killed: the kernel gives its lock back, and nobody removes anything.
        drop(killed);
        // A worker that begins does not wait for that either.
        let next = Root::new_in(base.path()).unwrap();
        assert!(left.exists());
        remove_abandoned(base.path()).unwrap();
        assert!(!left.exists());
        assert!(living.path().exists() && being_made.exists() && foreign.exists());
        assert_eq!(next.path().metadata().unwrap().mode() & 0o777, 0o700);
        let path = living.path().to_owned();
        living.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_was_removed_by_halves_is_found_again() {
        let base = tempfile::tempdir().unwrap();
        let killed = Root::new_in(base.path()).unwrap();
        let left = killed.path().to_owned();
        for name in ["a", "m", "z"] {
            std::fs::create_dir_all(left.join(name).join("deep")).unwrap();
            std::fs::write(left.join(format!("{name}.json")), "x").unwrap();
        }
        drop(killed);
        empty(&left).unwrap();
        let names: Vec<_> =
            std::fs::read_dir(&left).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [LOCK]);
        remove_abandoned(base.path()).unwrap();
        assert!(!left.exists());
    }
}
