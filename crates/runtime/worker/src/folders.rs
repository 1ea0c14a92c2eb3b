//! Folders for `$TMPDIR`, some of which are used again.
//!
//! Most steps leave theirs as they found it, and making and removing one is half of what a short step costs the worker. The
//! surprising rule: nobody looks into a folder to learn whether it is as new. The kernel writes down when a folder last changed in
//! any way (an entry, its mode, an attribute, its place), and no program can set that time; so a folder whose last change is
//! its making, well before the step began, is as it was made.

use crate::removal::remove_tree;
use rustix::fs::{rmdir, statfs, unlink};
use rustix::io::Errno;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// File systems that are known to write down every change: ext4, XFS, Btrfs, tmpfs, and overlays of such.
const TELLING: [u64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630];
/// After so long a change bears another time than the making: the kernel's clock for files moves every 10 ms at least.
const SETTLED: Duration = Duration::from_millis(50);
/// Folders that wait for a step, at most.
const MOST: usize = 64;

/// A folder of mode 0700 with nothing in it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    made: Option<Made>,
}

impl Folder {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Which folder it is, and when it last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    device: u64,
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Made {
    /// Nothing where whole seconds are all that the file system knows, or where nothing can be learnt.
    fn at(path: &Path) -> Option<Self> {
        let found = std::fs::symlink_metadata(path).ok()?;
        let nanoseconds = found.ctime_nsec();
        let (device, inode, seconds) = (found.dev(), found.ino(), found.ctime());
        (nanoseconds != 0).then_some(Self { device, inode, seconds, nanoseconds })
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        let seconds = u64::try_from(self.seconds).unwrap_or(u64::MAX);
        let made = Duration::new(seconds, u32::try_from(self.nanoseconds).unwrap_or(0));
        let age = now.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|now| now.checked_sub(made));
        age.is_some_and(|age| age >= SETTLED)
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    /// Whether the file system tells of every change.
    is_telling: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_number: u64,
    spare: Vec<(PathBuf, Made)>,
}

impl Folders {
    /// None yet; they will lie in `root`.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let kind = u64::try_from(statfs(root)?.f_type).unwrap_or(0);
        let is_telling = TELLING.contains(&kind);
        Ok(Self { root: root.to_owned(), is_telling, state: Mutex::default() })
    }

    /// One for a step that begins now: an old one, or a new one.
    // Every program of the `host` tier can reach the folders of all others, used again or not; this is about what one leaves.
    pub(crate) fn take(&self) -> io::Result<Folder> {
        let now = SystemTime::now();
        while let Some((path, made)) = self.settled(now) {
            if Made::at(&path) == Some(made) {
                return Ok(Folder { path, made: Some(made) });
            }
            // Somebody reached for what was nobody's.
            wipe(&path, rmdir(&path));
        }
        // Too young to tell what becomes of it.
        self.make().map(|path| Folder { path, made: None })
    }

    /// After the step nothing of it is there: neither what lay in the folder nor, where it was touched, the folder itself.
    pub(crate) fn give_back(&self, folder: &Folder) {
        let Folder { path, made } = folder;
        match *made {
            Some(made) if Made::at(path) == Some(made) => self.state().spare.push((path.clone(), made)),
            _ => {
                wipe(path, rmdir(path));
                // Another one can grow old in its place. Where that fails the next step says so.
                drop(self.make_spare());
            }
        }
    }

    /// Whether it is gone with one call.
    pub(crate) fn has_nothing(&self, folder: &Folder) -> bool {
        let Folder { path, made } = folder;
        made.is_some_and(|made| Made::at(path) == Some(made))
            || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
    }

    fn settled(&self, now: SystemTime) -> Option<(PathBuf, Made)> {
        let spare = &mut self.state().spare;
        let settled = spare.iter().position(|(_, made)| made.is_settled(now))?;
        Some(spare.swap_remove(settled))
    }

    fn make_spare(&self) -> io::Result<()> {
        if !self.is_telling || self.state().spare.len() >= MOST {
            return Ok(());
        }
        let path = self.make()?;
        match Made::at(&path) {
            Some(made) => self.state().spare.push((path, made)),
            None => std::fs::remove_dir(path)?,
        }
        Ok(())
    }

    fn make(&self) -> io::Result<PathBuf> {
        let number = {
            let mut state = self.state();
            state.last_number += 1;
            state.last_number
        };
        let path = self.root.join(format!("step-{number}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers and names stay whole whoever panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes what stands there, if anything does, where the first try did not. Most steps leave what goes with one call.
pub(crate) fn wipe(path: &Path, first: rustix::io::Result<()>) {
    let removed = match first {
        Ok(()) | Err(Errno::NOENT) => return,
        // A file or a link where a folder was.
        Err(Errno::NOTDIR) => unlink(path).map_err(io::Error::from),
        Err(_) => remove_tree(path),
    };
    // What cannot be removed now goes with the worker's root.
    if let Err(error) = removed {
        eprintln!("dvt worker: `{}` could not be removed: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, FileTimes, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    /// A root whose file system tells; temporary folders lie on one wherever these tests run.
    fn folders() -> (tempfile::TempDir, Folders) {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::new(root.path()).unwrap();
        assert!(folders.is_telling);
        (root, folders)
    }

    /// One that is old enough: the first steps of a worker get new ones, and leave others behind.
    fn old(folders: &Folders) -> Folder {
        loop {
            let folder = folders.take().unwrap();
            if folder.made.is_some() {
                return folder;
            }
            folders.give_back(&folder);
            std::thread::yield_now();
        }
    }

    fn count(root: &tempfile::TempDir) -> usize {
        fs::read_dir(root.path()).unwrap().count()
    }

    #[test]
    fn a_folder_that_was_only_looked_at_is_used_again() {
        let (root, folders) = folders();
        let first = old(&folders);
        let before = count(&root);
        assert_eq!(fs::read_dir(first.path()).unwrap().count(), 0);
        folders.give_back(&first);
        assert!(first.path().exists());
        while folders.take().unwrap().path != first.path {}
        assert_eq!(count(&root), before, "nothing else was made");
    }

    #[test]
    fn a_folder_that_was_touched_in_any_way_is_not() {
        type Touch = fn(&Path);
        let (_root, folders) = folders();
        let touches: [(&str, Touch); 7] = [
            ("filled", |path| fs::write(path.join("file"), "x").unwrap()),
            ("filled and emptied", |path| {
                fs::create_dir(path.join("inner")).unwrap();
                fs::remove_dir(path.join("inner")).unwrap();
            }),
            ("opened to others and closed again", |path| {
                fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
                fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
            }),
            ("with a time of its own", |path| {
                let times = FileTimes::new().set_modified(fs::metadata(path).unwrap().modified().unwrap());
                fs::File::open(path).unwrap().set_times(times).unwrap();
            }),
            ("moved away and back", |path| {
                let away = path.with_extension("away");
                fs::rename(path, &away).unwrap();
                fs::rename(&away, path).unwrap();
            }),
            ("another one", |path| {
                fs::remove_dir(path).unwrap();
                fs::create_dir(path).unwrap();
            }),
            ("a link to it", |path| {
                let away = path.with_extension("away");
                fs::rename(path, &away).unwrap();
                symlink(&away, path).unwrap();
            }),
        ];
        for (what, touch) in touches {
            let folder = old(&folders);
            touch(folder.path());
            folders.give_back(&folder);
            assert!(!folder.path().exists() && !folder.path().is_symlink(), "{what}");
        }
    }

    #[test]
    fn a_spare_one_that_somebody_touched_is_nobodys() {
        let (_root, folders) = folders();
        folders.give_back(&old(&folders));
        let spare: Vec<_> = folders.state().spare.iter().map(|(path, _)| path.clone()).collect();
        for path in &spare {
            fs::write(path.join("file"), "x").unwrap();
        }
        let next = folders.take().unwrap();
        assert_eq!(fs::read_dir(next.path()).unwrap().count(), 0);
        assert!(!spare.contains(&next.path));
    }

    #[test]
    fn where_changes_are_not_told_nothing_stays() {
        let (root, mut folders) = folders();
        folders.is_telling = false;
        let folder = folders.take().unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o7777, 0o700);
        folders.give_back(&folder);
        assert_eq!(count(&root), 0);
    }

    #[test]
    fn what_is_young_cannot_be_told_from_what_was_touched_at_once() {
        let at = |seconds, nanoseconds| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        let made = Made { device: 1, inode: 2, seconds: 100, nanoseconds: 5 };
        assert!(made.is_settled(at(100, 50_000_005)));
        assert!(!made.is_settled(at(100, 50_000_004)));
        // A clock that went back.
        assert!(!made.is_settled(at(99, 0)));
    }
}
