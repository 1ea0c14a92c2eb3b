//! The open runs on which this engine does not work, in a small file beside its socket, for whoever shows a run (contract 4.10): such a run
//! is RECOVERING, though an engine lives.
//!
//! They are those that it found when it began and has not taken up, and those that left its memory without an end. Like the modes that
//! hold (`standing`) this is a note to the present: believed only while the engine that wrote it holds the lease, replaced as a whole,
//! and where it cannot be written nothing else fails.

use crate::engine::told_to_stop;
use crate::process;
use dvt_model::id::RunId;
use dvt_store::Store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// Between two times that it is written.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether a run goes on by itself, by its id.
type Runs = BTreeMap<RunId, bool>;

/// What is known of them.
#[derive(Default)]
pub(crate) struct Resting {
    runs: Mutex<Runs>,
    changed: Notify,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    epoch: u64,
    /// Whether the engine takes each up again by itself.
    runs: Runs,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("resting.json")
}

impl Resting {
    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody works on it; whether this engine takes it up again by itself.
    pub(crate) fn begins(&self, run: RunId, comes_back: bool) {
        if self.lock().insert(run, comes_back) != Some(comes_back) {
            self.changed.notify_one();
        }
    }

    /// It is worked on.
    pub(crate) fn ends(&self, run: RunId) {
        if self.lock().remove(&run).is_some() {
            self.changed.notify_one();
        }
    }

    /// Writes it as it is.
    pub(crate) fn write(&self, folder: &Path, epoch: u64) {
        let note = Note { epoch, runs: self.lock().clone() };
        // A full disk is told of by what fails for it.
        drop(note.write(&path(folder)));
    }
}

impl Note {
    fn write(&self, path: &Path) -> std::io::Result<()> {
        if self.runs.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let draft = path.with_extension("json.new");
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        std::fs::rename(&draft, path)
    }
}

/// Writes what changes until the engine ends; then nobody works on any, and the note goes.
pub(crate) async fn serve(
    resting: Arc<Resting>,
    folder: PathBuf,
    epoch: u64,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => break,
            () = resting.changed.notified() => resting.write(&folder, epoch),
        }
        // What changes together is written together.
        tokio::select! {
            () = told_to_stop(&mut stop) => break,
            () = sleep(PAUSE) => {}
        }
    }
    drop(Note::default().write(&path(&folder)));
}

/// Which open runs nobody works on, as far as this can be known from outside the engine.
#[derive(Debug)]
pub struct AtRest {
    is_live: bool,
    runs: Runs,
}

/// Why nobody works on an open run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// No engine lives, or the one that does was not asked to go on with it.
    Left,
    /// The engine could not go on with it just now, and takes it up again by itself.
    ComesBack,
}

impl AtRest {
    /// Asks the lease, and the note of its holder.
    pub fn now(store: &Store, folder: &Path) -> Self {
        let holder = store.lease().read().ok().flatten().filter(|row| process::is_alive(&row.holder));
        let Some(row) = holder else { return Self { is_live: false, runs: Runs::new() } };
        let note =
            std::fs::read(path(folder)).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let runs = note.filter(|note| note.epoch == row.epoch).map(|note| note.runs).unwrap_or_default();
        Self { is_live: true, runs }
    }

    /// Why nobody works on this open run; `None` where somebody does.
    pub fn of(&self, run: RunId) -> Option<Rest> {
        if !self.is_live {
            return Some(Rest::Left);
        }
        self.runs.get(&run).map(|comes_back| if *comes_back { Rest::ComesBack } else { Rest::Left })
    }
}
