//! The disk: what programs see, and what would be there if the power went now.
//!
//! Owns no file handle and no SQLite type. Surprising: a sync that a control removed answers "done" and makes nothing
//! durable.

use super::chance::Chance;
use super::fault::{Call, Fault, Trouble, Waiting};
use super::remains::{Change, File, apply, survived};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a sync is of. Removing one of them is a control.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SyncKind {
    /// The write-ahead log: at each commit.
    Log,
    /// The database file: at a checkpoint, before the log may be overwritten.
    Database,
    /// The rollback journal: while a file is being made.
    Journal,
    /// The folder, with the first sync of a new journal or log: names.
    Folder,
    /// The file of a blob, before an entry names it. Not below SQLite: see [`super::blobs`].
    Blob,
    /// The folder of blobs, after that.
    BlobFolder,
}

impl SyncKind {
    /// All that SQLite does.
    pub const ALL: [Self; 4] = [Self::Log, Self::Database, Self::Journal, Self::Folder];

    /// All that a working engine does.
    pub const UNDER_AN_ENGINE: [Self; 6] =
        [Self::Log, Self::Database, Self::Journal, Self::Folder, Self::Blob, Self::BlobFolder];
}

/// Counts of what happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Writes and truncations.
    pub writes: u64,
    /// Syncs by kind, removed ones included: the number of the operation of each.
    pub syncs: BTreeMap<SyncKind, Vec<u64>>,
}

/// What happened when the power went.
pub(super) struct State {
    pub(super) files: BTreeMap<String, File>,
    removed: Option<SyncKind>,
    /// The power goes at this operation.
    cut_at: u64,
    done: u64,
    counts: Counts,
    chance: Chance,
    image: Option<BTreeMap<String, Vec<u8>>>,
    next_handle: u64,
    calls: u64,
    waiting: Waiting,
    /// Whether syncs of write-ahead logs wait.
    is_held: bool,
}

/// A disk that loses power once.
pub struct Disk {
    state: Mutex<State>,
    released: Condvar,
}

impl Disk {
    /// A disk whose power goes at operation `cut_at` (writes, truncations and syncs count).
    pub fn new(seed: u64, cut_at: u64, removed: Option<SyncKind>) -> Self {
        let state = State {
            files: BTreeMap::new(),
            removed,
            cut_at,
            done: 0,
            counts: Counts::default(),
            chance: Chance::new(seed),
            image: None,
            next_handle: 1,
            calls: 0,
            waiting: Waiting::default(),
            is_held: false,
        };
        Self { state: Mutex::new(state), released: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, locked for a call that nothing holds back.
    pub(super) fn lock_for_sync(&self, name: &str) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while state.is_held && state.files.get(name).is_some_and(|file| file.kind == SyncKind::Log) {
            state = self.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// From the `from`-th call on (1 is the first of all) this goes wrong, see [`Fault`].
    pub fn break_from(&self, fault: Fault, from: u64) {
        self.lock().waiting.set(fault, from);
    }

    /// From now on this goes wrong.
    pub fn break_now(&self, fault: Fault) {
        let mut state = self.lock();
        let from = state.calls + 1;
        state.waiting.set(fault, from);
    }

    /// Nothing goes wrong any more. Gives how many calls the fault had met.
    pub fn mend(&self) -> u64 {
        let mut state = self.lock();
        state.waiting.mend();
        state.waiting.met
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Syncs of write-ahead logs wait from now on.
    pub fn hold(&self) {
        self.lock().is_held = true;
    }

    /// They go on.
    pub fn release(&self) {
        self.lock().is_held = false;
        self.released.notify_all();
    }

    /// Makes durable all that is in view, as an orderly shutdown does.
    pub fn flush(&self) {
        for file in self.lock().files.values_mut() {
            file.durable.clone_from(&file.view);
            file.pending.clear();
            file.named = !file.deleted;
        }
    }

    /// Cuts the power now, unless it is gone already.
    pub fn cut(&self) {
        let mut state = self.lock();
        if state.image.is_none() {
            state.go_dark();
        }
    }

    /// Whether the power is gone.
    pub fn is_dark(&self) -> bool {
        self.lock().image.is_some()
    }

    /// Whether this disk has a file of that name, or had one.
    pub fn knows(&self, name: &str) -> bool {
        self.lock().files.contains_key(name)
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.lock().done
    }

    /// Counts so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Writes what survived into `target`, paths taken relative to `root`; only its owner may read it, as before the cut.
    pub fn restore(&self, root: &Path, target: &Path) -> std::io::Result<()> {
        let state = self.lock();
        for (name, bytes) in state.image.iter().flatten() {
            let Ok(relative) = Path::new(name).strip_prefix(root) else { continue };
            let path = target.join(relative);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(bytes)?;
        }
        Ok(())
    }
}

impl State {
    /// Counts an operation; the power may go with it.
    fn step(&mut self) -> Result<(), Trouble> {
        self.alive()?;
        self.done += 1;
        if self.done >= self.cut_at {
            self.go_dark();
            return Err(Trouble::Dark);
        }
        Ok(())
    }

    pub(super) fn alive(&self) -> Result<(), Trouble> {
        if self.image.is_some() { Err(Trouble::Dark) } else { Ok(()) }
    }

    /// Counts a call; a fault may meet it.
    pub(super) fn meet(&mut self, call: Call) -> Result<(), Trouble> {
        self.alive()?;
        self.calls += 1;
        self.waiting.meet(call, self.calls)
    }

    /// Whether files open for reading alone now.
    pub(super) fn is_read_only(&self) -> bool {
        self.waiting.is_read_only(self.calls)
    }

    pub(super) fn handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.next_handle
    }

    /// Whether a name is in view. A file that the program made itself on the real disk counts.
    pub(super) fn exists(&self, name: &str) -> bool {
        match self.files.get(name) {
            Some(file) => !file.deleted,
            None => Path::new(name).exists(),
        }
    }

    /// Opens a name; `false` when it is not there and may not be made.
    pub(super) fn open(&mut self, name: &str, kind: SyncKind, may_create: bool) -> bool {
        if !self.exists(name) && !may_create {
            return false;
        }
        match self.files.get_mut(name) {
            Some(file) if file.deleted => {
                // A new file under a name whose deletion is not durable: after a cut the old one may be back.
                let (durable, named) = (std::mem::take(&mut file.durable), file.named);
                *file = File::new(kind, Vec::new());
                (file.durable, file.named) = (durable, named);
                file.pending.push(Change::Cut { length: 0 });
            }
            Some(_) => {}
            None => {
                let content = std::fs::read(name).unwrap_or_default();
                let mut file = File::new(kind, content);
                // What has content on the real disk was there before the power came: an earlier cut left it.
                if !file.view.is_empty() {
                    (file.named, file.synced_once) = (true, true);
                    file.durable.clone_from(&file.view);
                }
                self.files.insert(name.to_owned(), file);
            }
        }
        true
    }

    pub(super) fn read(&mut self, name: &str, at: usize, into: &mut [u8]) -> Result<usize, Trouble> {
        self.meet(Call::Read)?;
        let view = self.files.get(name).map(|file| file.view.as_slice()).unwrap_or_default();
        let found = view.get(at..).unwrap_or_default();
        let length = found.len().min(into.len());
        into.fill(0);
        for (to, from) in into.iter_mut().zip(found) {
            *to = *from;
        }
        Ok(length)
    }

    pub(super) fn write(&mut self, name: &str, at: usize, bytes: &[u8]) -> Result<(), Trouble> {
        self.meet(Call::Write)?;
        self.counts.writes += 1;
        // The write is on the way when the power goes: it may survive, in part too.
        if let Some(file) = self.files.get_mut(name) {
            apply(&mut file.view, at, bytes);
            file.pending.push(Change::Write { at, bytes: bytes.to_vec() });
        }
        self.step()
    }

    pub(super) fn truncate(&mut self, name: &str, length: usize) -> Result<(), Trouble> {
        self.meet(Call::Truncate)?;
        self.counts.writes += 1;
        if let Some(file) = self.files.get_mut(name) {
            file.view.truncate(length);
            file.pending.push(Change::Cut { length });
        }
        self.step()
    }

    pub(super) fn size(&self, name: &str) -> usize {
        self.files.get(name).map_or(0, |file| file.view.len())
    }

    pub(super) fn sync(&mut self, name: &str) -> Result<(), Trouble> {
        let Some(kind) = self.files.get(name).map(|file| file.kind) else { return self.alive() };
        self.meet(Call::Sync(kind))?;
        // If the power goes with a sync, it was not done.
        self.counts.syncs.entry(kind).or_default().push(self.done + 1);
        self.step()?;
        let removed = self.removed;
        let Some(file) = self.files.get_mut(name) else { return Ok(()) };
        let names_folder = !file.synced_once && matches!(kind, SyncKind::Log | SyncKind::Journal);
        file.synced_once = true;
        if removed != Some(kind) {
            file.durable.clone_from(&file.view);
            file.pending.clear();
        }
        if names_folder {
            self.sync_folder(name, SyncKind::Folder);
        }
        if self.waiting.loses_answer(Call::Sync(kind), self.calls) {
            self.go_dark();
            return Err(Trouble::Dark);
        }
        Ok(())
    }

    /// Syncs the folder of a blob: an operation of its own.
    pub(super) fn sync_names(&mut self, name: &str) -> Result<(), Trouble> {
        self.step()?;
        self.sync_folder(name, SyncKind::BlobFolder);
        Ok(())
    }

    fn sync_folder(&mut self, name: &str, kind: SyncKind) {
        self.counts.syncs.entry(kind).or_default().push(self.done);
        if self.removed == Some(kind) {
            return;
        }
        let folder = Path::new(name).parent();
        let mut gone = Vec::new();
        for (other, file) in self.files.iter_mut().filter(|(other, _)| Path::new(other).parent() == folder) {
            file.named = !file.deleted;
            if file.deleted {
                gone.push(other.clone());
            }
        }
        for name in gone {
            if let Some(file) = self.files.get_mut(&name) {
                (file.durable, file.pending) = (Vec::new(), Vec::new());
            }
        }
    }

    pub(super) fn delete(&mut self, name: &str, sync: bool) -> Result<(), Trouble> {
        self.meet(Call::Delete)?;
        self.step()?;
        if let Some(file) = self.files.get_mut(name) {
            file.deleted = true;
        }
        if sync {
            self.sync_folder(name, SyncKind::Folder);
        }
        Ok(())
    }

    fn go_dark(&mut self) {
        let mut image = BTreeMap::new();
        let mut chance = self.chance.clone();
        for (name, file) in &self.files {
            // A name that is not durable may be there all the same; so may one whose deletion is not.
            let is_there = match (file.named, file.deleted) {
                (true, false) => true,
                (true, true) => chance.below(2) == 0,
                (false, deleted) => !deleted && chance.below(4) == 0,
            };
            if is_there {
                image.insert(name.clone(), survived(file, self.removed, &mut chance));
            }
        }
        self.image = Some(image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_synced_survives_and_the_rest_may_not() {
        let mut seen = BTreeSet::new();
        for seed in 0..64 {
            let disk = Disk::new(seed, u64::MAX, None);
            let mut state = disk.lock();
            assert!(state.open("/none/x-wal", SyncKind::Log, true));
            assert!(state.write("/none/x-wal", 0, b"aaaa").is_ok());
            assert!(state.sync("/none/x-wal").is_ok());
            assert!(state.write("/none/x-wal", 2, b"bbbb").is_ok());
            state.go_dark();
            let image = state.image.clone().unwrap_or_default();
            seen.insert(image["/none/x-wal"].clone());
            assert!(state.write("/none/x-wal", 0, b"c").is_err());
        }
        assert_eq!(seen, BTreeSet::from([b"aaaa".to_vec(), b"aabbbb".to_vec()]));
    }

    #[test]
    fn a_removed_sync_makes_nothing_durable() {
        let disk = Disk::new(1, u64::MAX, Some(SyncKind::Log));
        let mut state = disk.lock();
        state.open("/none/x-wal", SyncKind::Log, true);
        assert!(state.write("/none/x-wal", 0, b"aaaa").is_ok());
        assert!(state.sync("/none/x-wal").is_ok());
        assert!(state.files["/none/x-wal"].durable.is_empty());
    }
}
