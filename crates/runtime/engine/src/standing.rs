//! The degraded modes that hold now, in a small file beside the engine's socket, for whoever asks how the engine is (`dvt doctor`).
//!
//! The ledger is the record; this is a note to the present. It is believed only while the engine that wrote it holds the lease, it is
//! replaced as a whole, and where it cannot be written nothing else fails.

use crate::pressure::Change;
use crate::process;
use dvt_model::id::TenantId;
use dvt_model::time::Timestamp;
use dvt_store::Store;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A mode that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Degraded {
    /// Its name, as INCIDENT entries have it.
    pub mode: String,
    /// Since when.
    pub since: Timestamp,
    /// Of one tenant; absent where it is the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    epoch: u64,
    modes: Vec<Degraded>,
}

/// What holds, and where it is written.
pub(crate) struct Standing {
    path: PathBuf,
    note: Note,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("degraded.json")
}

impl Standing {
    /// Nothing holds when an engine begins: what the one before it wrote is no longer believed.
    pub(crate) fn new(folder: &Path, epoch: u64) -> Self {
        Self { path: path(folder), note: Note { epoch, modes: Vec::new() } }
    }

    /// A mode of a tenant, or of the installation, was entered or left.
    pub(crate) fn apply(&mut self, tenant: Option<TenantId>, change: Change, now: Timestamp) {
        let is_it = |known: &Degraded| known.mode == change.mode.as_str() && known.tenant == tenant;
        self.note.modes.retain(|known| !is_it(known));
        if change.entered {
            self.note.modes.push(Degraded { mode: change.mode.as_str().to_owned(), since: now, tenant });
        }
        // A full disk is told of by what fails for it.
        drop(self.write());
    }

    fn write(&self) -> std::io::Result<()> {
        if self.note.modes.is_empty() {
            return std::fs::remove_file(&self.path);
        }
        let draft = self.path.with_extension("json.new");
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&serde_json::to_vec(&self.note)?)?;
        std::fs::rename(&draft, &self.path)
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.note.modes.clear();
        // Where nothing held there is none.
        drop(self.write());
    }
}

/// The degraded modes in which the living engine works, as far as they are this tenant's or everybody's; none where none lives.
pub fn degraded(store: &Store, folder: &Path, tenant: TenantId) -> Vec<Degraded> {
    let Ok(Some(row)) = store.lease().read() else { return Vec::new() };
    if !process::is_alive(&row.holder) {
        return Vec::new();
    }
    let note = std::fs::read(path(folder)).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
    let modes = note.filter(|note| note.epoch == row.epoch).map(|note| note.modes).unwrap_or_default();
    modes.into_iter().filter(|mode| mode.tenant.is_none_or(|of| of == tenant)).collect()
}
