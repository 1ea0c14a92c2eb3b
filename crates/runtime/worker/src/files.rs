//! The working directories of steps: each bundle unpacked once, read-only; an empty folder for plans without files.
//!
//! What the engine has forgotten is removed when the last step that runs with it has ended. The same bundle may have come again by
//! then: each time it lies in a folder of its own.

use crate::bundle::{self, Entry};
use crate::removal::remove_tree;
use dvt_model::digest::Digest;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Why there is no working directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The engine named a bundle that it did not send.
    #[error("the files `{0}` did not come before the step that needs them")]
    Missing(Digest),
    /// The bundle is not what it says.
    #[error("the files cannot be unpacked: {0}")]
    Bundle(#[from] bundle::Error),
    /// The file system refused.
    #[error("the files cannot be written: {reason}", reason = dvt_model::fault::reason(.0))]
    Io(#[from] io::Error),
}

/// Bundles as they come, and where they lie.
#[derive(Debug)]
pub(crate) struct Files {
    root: PathBuf,
    empty: PathBuf,
    incoming: BTreeMap<Digest, Vec<u8>>,
    unpacked: BTreeMap<Digest, Arc<Unpacked>>,
    last_number: u64,
}

/// A bundle's folder, gone when nobody has this any more.
#[derive(Debug)]
struct Unpacked(PathBuf);

impl Drop for Unpacked {
    fn drop(&mut self) {
        // Without a runtime the worker ends, and all of its folders with it.
        let Ok(runtime) = Handle::try_current() else { return };
        let path = std::mem::take(&mut self.0);
        // Off the runtime's thread, so that deadlines are kept meanwhile.
        drop(runtime.spawn_blocking(move || {
            if let Err(error) = remove_tree(&path) {
                eprintln!("dvt worker: `{}` could not be removed: {error}", path.display());
            }
        }));
    }
}

/// A working directory; it is there for as long as somebody has this.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _files: Option<Arc<Unpacked>>,
}

impl Directory {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Files {
    /// With nothing but the empty folder.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let empty = root.join("no-files");
        DirBuilder::new().mode(0o500).create(&empty)?;
        let (incoming, unpacked) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { root: root.to_owned(), empty, incoming, unpacked, last_number: 0 })
    }

    /// Takes a part; after the last one unpacks the bundle. A bundle that is there already is not taken again.
    pub(crate) async fn take(&mut self, digest: Digest, part: &[u8], done: bool) -> Result<(), Error> {
        if self.unpacked.contains_key(&digest) {
            return Ok(());
        }
        let bytes = self.incoming.entry(digest).or_default();
        let total = bytes.len().saturating_add(part.len());
        if total > bundle::MAX_BYTES {
            self.incoming.remove(&digest);
            return Err(bundle::Error::TooLarge(total).into());
        }
        bytes.extend_from_slice(part);
        if !done {
            return Ok(());
        }
        let bytes = self.incoming.remove(&digest).unwrap_or_default();
        self.last_number += 1;
        let folder = self.root.join(format!("files-{}-{}", self.last_number, digest.hex()));
        let target = folder.clone();
        // Off the runtime's thread, so that deadlines are kept meanwhile.
        let written =
            tokio::task::spawn_blocking(move || whole(&bundle::unpack(&bytes, &digest)?, &target)).await;
        written.map_err(io::Error::other)??;
        self.unpacked.insert(digest, Arc::new(Unpacked(folder)));
        Ok(())
    }

    /// Nobody asks for it from now on, unless it comes again.
    pub(crate) fn forget(&mut self, digest: &Digest) {
        self.incoming.remove(digest);
        self.unpacked.remove(digest);
    }

    /// The working directory for a plan with these files.
    pub(crate) fn directory(&self, digest: Option<&Digest>) -> Result<Directory, Error> {
        let Some(digest) = digest else { return Ok(Directory { path: self.empty.clone(), _files: None }) };
        let files = self.unpacked.get(digest).cloned().ok_or(Error::Missing(*digest))?;
        Ok(Directory { path: files.0.clone(), _files: Some(files) })
    }
}

/// Writes all entries or leaves nothing: what is half written has another name, and goes when it cannot be finished, so
/// that the same bundle can be sent again.
fn whole(entries: &[Entry], folder: &Path) -> Result<(), Error> {
    let draft = folder.with_extension("part");
    let written = write(entries, &draft).and_then(|()| Ok(std::fs::rename(&draft, folder)?));
    if written.is_err() && draft.exists() {
        remove_tree(&draft)?;
    }
    written
}

/// Writes checked entries below `folder`, which must not exist, and takes all right to write away.
fn write(entries: &[Entry], folder: &Path) -> Result<(), Error> {
    let mut folders = vec![folder.to_owned()];
    DirBuilder::new().mode(0o700).create(folder)?;
    for entry in entries {
        let path = folder.join(&entry.path);
        let missing: Vec<&Path> =
            path.ancestors().skip(1).take_while(|above| *above != folder && !above.exists()).collect();
        for above in missing.into_iter().rev() {
            DirBuilder::new().mode(0o700).create(above)?;
            folders.push(above.to_owned());
        }
        let mode = if entry.executable { 0o500 } else { 0o400 };
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?.write_all(&entry.content)?;
    }
    for folder in folders {
        std::fs::set_permissions(folder, Permissions::from_mode(0o500))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry { path: path.to_owned(), executable: false, content: b"content".to_vec() }
    }

    #[test]
    fn what_cannot_be_finished_leaves_nothing_and_can_come_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("files-00");
        // The second path cannot be a folder and a file: the first is written by then.
        let broken = [entry("deep/a"), entry("deep/a/b")];
        assert!(matches!(whole(&broken, &folder), Err(Error::Io(_))));
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "nothing half-written stays");
        whole(&[entry("deep/a")], &folder).unwrap();
        assert_eq!(std::fs::read(folder.join("deep/a")).unwrap(), b"content");
        remove_tree(&folder).unwrap();
    }
}
