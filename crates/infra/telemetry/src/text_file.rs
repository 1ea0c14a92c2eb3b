//! Metrics in a file, replaced as a whole every few seconds and at the end: for a collector that reads text files.

use crate::lock;
use crate::metrics::Metrics;
use crate::place::Error;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(5);
/// How a file of metrics begins, ours or another program's.
const BEGINNINGS: [&[u8]; 2] = [b"# HELP ", b"# TYPE "];
/// No beginning is longer.
const HEAD_BYTES: u64 = 7;

/// The file and the thread that writes it.
pub(crate) struct TextFile(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl TextFile {
    /// Writes it once, so that a place that cannot be written is told at the start.
    pub(crate) fn begin(path: PathBuf, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let unusable = |error| Error::Unusable(path.display().to_string(), error);
        if !is_ours(&path).map_err(unusable)? {
            return Err(Error::Foreign(path.display().to_string()));
        }
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

/// Whether what lies there may be replaced: nothing, what is empty, and what begins as metrics do. A link is looked at where it leads,
/// and what is no plain file (a pipe, a device, a folder) is nobody's to replace.
fn is_ours(path: &Path) -> std::io::Result<bool> {
    // It is looked at before it is opened: opening a pipe would wait for a writer.
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        other => other?,
    };
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head.is_empty() || BEGINNINGS.iter().any(|beginning| head.starts_with(beginning)))
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
    fn what_holds_no_metrics_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        let begin = |path: &Path| TextFile::begin(path.to_owned(), Arc::new(Metrics::default()));
        std::fs::write(&path, "what I must not forget").unwrap();
        assert!(matches!(begin(&path), Err(Error::Foreign(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "what I must not forget");
        std::fs::write(&path, "").unwrap();
        begin(&path).unwrap().finish();
        assert!(std::fs::read(&path).unwrap().starts_with(BEGINNINGS[0]), "control: an empty file is filled");
        begin(&path).unwrap().finish();
        assert!(matches!(begin(folder.path()), Err(Error::Unusable(..))));
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
