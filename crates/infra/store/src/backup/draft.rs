//! What is being written and has no name yet: a backup beside the file it becomes, a restore beside the folder it becomes.
//!
//! Who writes one holds its lock until it has its name or is gone; so one that can be locked is dead, whatever ended its writer. It
//! removes nothing else: not what it did not name itself, not a link, not what another user owns. Surprising: between a name and
//! its lock somebody may take it for dead; whoever made it looks afterwards whether it is still there, and draws another.

use super::frames::io;
use crate::port::error::Error;
use crate::sqlite::file::private_folder;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How the drafts of backups begin.
pub(super) const BACKUP: &str = ".dvt-backup-";
/// How those of restores do.
pub(super) const RESTORE: &str = ".dvt-restore-";
/// Characters after that.
const DRAWN: usize = 16;
/// More than that is no chance.
const TRIES: u32 = 16;

/// A new file, locked.
pub(super) fn file(folder: &Path) -> Result<(PathBuf, File), Error> {
    draw(folder, BACKUP, |path| {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| io("write", path, &error))
    })
}

/// A new folder, locked.
pub(super) fn folder(parent: &Path) -> Result<(PathBuf, File), Error> {
    draw(parent, RESTORE, |path| {
        private_folder(path)?;
        File::open(path).map_err(|error| io("open", path, &error))
    })
}

fn draw(
    folder: &Path,
    begins: &str,
    make: impl Fn(&Path) -> Result<File, Error>,
) -> Result<(PathBuf, File), Error> {
    for _ in 0..TRIES {
        let path = folder.join(format!("{begins}{}", dvt_model::digest::hex(&crate::seal::random::<8>())));
        let made = make(&path)?;
        if is_locked(&made) && is_at(&made, &path) {
            return Ok((path, made));
        }
    }
    Err(Error::Unavailable(format!("keep a draft in `{}`", folder.display())))
}

fn is_locked(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Whether the name still leads to this file.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(there)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// Removes what a killed process left of its drafts. What cannot be removed is no reason to refuse: nobody takes it for anything.
pub(super) fn clear_dead(folder: &Path, begins: &str) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let drawn = name.to_str().and_then(|name| name.strip_prefix(begins));
        let is_ours =
            |drawn: &str| drawn.len() == DRAWN && drawn.bytes().all(|byte| byte.is_ascii_hexdigit());
        if drawn.is_some_and(is_ours) {
            remove_dead(&entry.path());
        }
    }
}

fn remove_dead(path: &Path) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::open(path, flags, Mode::empty()) else { return };
    let file = File::from(file);
    let Ok(found) = file.metadata() else { return };
    let is_mine = found.uid() == rustix::process::geteuid().as_raw();
    if !is_mine || !is_locked(&file) || !is_at(&file, path) {
        return;
    }
    // INVARIANT(INV-29): locked by us, so no living process writes it; if we crash in the midst, the next one goes on here.
    let _removed = if found.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody writes stays, and so does what only looks like ours.
    #[test]
    fn only_what_nobody_writes_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let (alive, held) = file(place.path()).unwrap();
        let (folder_alive, folder_held) = folder(place.path()).unwrap();
        std::fs::write(folder_alive.join("control.db"), "x").unwrap();
        let kept = place.path().join("notes");
        std::fs::write(&kept, "x").unwrap();
        let foreign = place.path().join(".dvt-backup-of-my-own");
        std::fs::write(&foreign, "x").unwrap();
        let link = place.path().join(".dvt-backup-0123456789abcdef");
        std::os::unix::fs::symlink(&kept, &link).unwrap();
        let clear = || [BACKUP, RESTORE].iter().for_each(|begins| clear_dead(place.path(), begins));
        clear();
        assert!(alive.exists() && folder_alive.join("control.db").exists(), "their writers live");
        drop((held, folder_held));
        clear();
        assert!(
            !alive.exists() && !folder_alive.exists(),
            "control: they were removed when their writers were gone"
        );
        assert!(kept.exists() && foreign.exists() && link.is_symlink());
    }
}
