//! Metrics in a file, replaced as a whole every few seconds and at the end: for a collector that reads text files.

use crate::lock;
use crate::metrics::Metrics;
use crate::place::Error;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(5);

/// The file and the thread that writes it.
pub(crate) struct TextFile(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl TextFile {
    /// Writes it once, so that a place that cannot be written is told at the start.
    pub(crate) fn begin(path: PathBuf, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let unusable = |error| Error::Unusable(path.display().to_string(), error);
        write(&path, &metrics).map_err(unusable)?;
        let (stop, told) = channel();
        let shown = path.display().to_string();
        let writing = std::thread::Builder::new().name("dvt-metrics".to_owned()).spawn(move || {
            loop {
                let is_last = told.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                // What could not be written now is tried again; the last one leaves the file as it was.
                let _later = write(&path, &metrics);
                if is_last {
                    return;
                }
            }
        });
        let writing = writing.map_err(|error| Error::Unusable(shown, error))?;
        Ok(Self(Mutex::new(Some((stop, writing)))))
    }

    /// The last state.
    pub(crate) fn finish(&self) {
        let Some((stop, writing)) = lock(&self.0).take() else { return };
        drop(stop);
        // If it panicked the file is as old as its last writing.
        drop(writing.join());
    }
}

/// Each process has a name of its own there: two that tell of themselves in one place replace each other's file, and write into none.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    PathBuf::from(name)
}

/// Beside the file, then over it: a reader sees the old or the new one. What lies beside it, from a process that died or from
/// whoever else may write there, is taken away and never written into: it may be a link to something of ours.
fn write(path: &Path, metrics: &Metrics) -> std::io::Result<()> {
    let part = beside(path);
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&part)?;
    file.write_all(metrics.text().as_bytes())?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_is_in_the_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, metrics) = (folder.path().join("dvt.prom"), Arc::new(Metrics::default()));
        let file = TextFile::begin(path.clone(), Arc::clone(&metrics)).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("dvt_runs_started_total"));
        metrics.add("dvt_runs_started_total", None);
        file.finish();
        assert!(std::fs::read_to_string(&path).unwrap().contains("\ndvt_runs_started_total 1\n"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(TextFile::begin(folder.path().join("no/such"), metrics).is_err());
    }

    #[test]
    fn a_link_beside_it_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dvt.prom");
        let (ours, link) = (folder.path().join("ours"), beside(&path));
        std::os::unix::fs::symlink(&ours, &link).unwrap();
        std::fs::write(&link, "through the link").unwrap();
        assert_eq!(
            std::fs::read(&ours).unwrap(),
            b"through the link",
            "control: whoever opens it writes there"
        );
        let file = TextFile::begin(path.clone(), Arc::new(Metrics::default())).unwrap();
        file.finish();
        assert_eq!(std::fs::read(&ours).unwrap(), b"through the link");
        assert!(std::fs::symlink_metadata(&path).unwrap().is_file() && !link.exists());
    }
}
