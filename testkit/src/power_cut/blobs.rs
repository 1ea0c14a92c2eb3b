//! Blobs on the disk that loses power: what the store does to their files on the real file system is done on it once more.
//!
//! The store writes on after the cut and nobody hears of it: what is left is what this disk says. Logs of steps are not played, for they
//! are never synced and promise nothing; they stay as the real file system has them.

use super::disk::{Disk, SyncKind};
use super::fault::Trouble;
use dvt_store::blobs::{Did, watch};
use std::path::Path;
use std::sync::Arc;

/// From now on the blobs of this process lie on that disk.
pub fn mount(disk: &Arc<Disk>) {
    let disk = Arc::clone(disk);
    watch(Box::new(move |path, did| {
        // Where the power is gone already, nothing more happens.
        let _trouble = play(&disk, path, did);
    }));
}

fn play(disk: &Disk, path: &Path, did: Did<'_>) -> Result<(), Trouble> {
    let Some(name) = path.to_str() else { return Ok(()) };
    let mut state = disk.lock();
    state.alive()?;
    match did {
        Did::Made => {
            state.open(name, SyncKind::Blob, true);
            Ok(())
        }
        Did::Added(bytes) => {
            let at = state.size(name);
            state.write(name, at, bytes)
        }
        Did::Synced => state.sync(name),
        Did::Named => state.sync_names(name),
        Did::Removed => {
            if !state.files.contains_key(name) {
                // An earlier life made it: it was there when the power came, and the real file is gone by now.
                return Ok(());
            }
            state.delete(name, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survives(removed: Option<SyncKind>, upto: usize) -> (bool, bool) {
        let deeds = [Did::Made, Did::Added(b"sealed"), Did::Synced, Did::Named];
        let path = Path::new("/none/blobs/one");
        let (mut always, mut ever) = (true, false);
        for seed in 0..64 {
            let disk = Disk::new(seed, u64::MAX, removed);
            deeds.iter().take(upto).for_each(|did| play(&disk, path, *did).unwrap_or_default());
            disk.cut();
            let to = tempfile::tempdir().unwrap();
            disk.restore(Path::new("/none"), to.path()).unwrap();
            let whole = std::fs::read(to.path().join("blobs/one")).is_ok_and(|bytes| bytes == b"sealed");
            (always, ever) = (always && whole, ever || whole);
        }
        (always, ever)
    }

    /// A blob survives for certain when file and folder were synced, and not before.
    #[test]
    fn a_blob_is_durable_with_its_name() {
        assert_eq!(survives(None, 4), (true, true));
        for upto in [2, 3] {
            assert!(!survives(None, upto).0, "after {upto} deeds");
        }
        for removed in [SyncKind::Blob, SyncKind::BlobFolder] {
            assert!(!survives(Some(removed), 4).0, "control: {removed:?}");
        }
    }
}
