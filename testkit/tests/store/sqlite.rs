//! SQLite on the disk of testkit, which fails where it is told to.

use crate::backend::{Backend, Installation};
use dvt_store::{Clock, Store};
use dvt_testkit::power_cut::disk::Disk;
use dvt_testkit::power_cut::fault::Fault;
use dvt_testkit::power_cut::scenario::open;
use dvt_testkit::power_cut::vfs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) struct Sqlite;

/// A folder that lies on such a disk.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) keys: Arc<TempDir>,
    pub(crate) disk: Arc<Disk>,
}

fn private() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(private(), Arc::new(private()))
    }

    fn with(folder: TempDir, keys: Arc<TempDir>) -> Self {
        let disk = Arc::new(Disk::new(1, u64::MAX, None));
        vfs::mount(folder.path(), &disk).unwrap();
        Self { folder, keys, disk }
    }

    pub(crate) fn try_open(&self, clock: &Clock) -> Result<Store, String> {
        open(self.folder.path(), &self.keys.path().join("root.key"), Some(vfs::NAME), clock)
    }

    /// What the power left of it, on a disk of its own.
    pub(crate) fn survived(&self) -> Self {
        self.disk.cut();
        let target = private();
        copy_blobs(&self.folder.path().join("blobs"), &target.path().join("blobs"));
        self.disk.restore(self.folder.path(), target.path()).unwrap();
        for entry in std::fs::read_dir(target.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
            }
        }
        Self::with(target, Arc::clone(&self.keys))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.disk.release();
        vfs::unmount(self.folder.path());
    }
}

/// Blobs lie on the real disk.
fn copy_blobs(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else { return };
    std::fs::create_dir_all(to).unwrap();
    for entry in entries {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_blobs(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

impl Backend for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn install(&self) -> Box<dyn Installation> {
        Box::new(Place::new())
    }
}

impl Installation for Place {
    fn open(&self, clock: &Clock) -> Store {
        self.try_open(clock).unwrap()
    }

    fn lose_next_commit(&self) {
        self.disk.break_now(Fault::LostSync);
    }

    fn lose_next_answer(&self) {
        self.disk.break_now(Fault::LostAnswer);
    }

    fn survive(self: Box<Self>) -> Box<dyn Installation> {
        Box::new(self.survived())
    }

    fn hold_commits(&self) {
        self.disk.hold();
    }

    fn release_commits(&self) {
        self.disk.release();
    }
}
