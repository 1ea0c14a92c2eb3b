//! The work that is under way when the power goes: writers of runs and acts, sealing, checkpoints, new
//! keys and erasures, all at once.
//!
//! Notes what was acknowledged, and nothing else is expected to be there afterwards.

use super::disk::Disk;
use super::{keep, vfs};
use crate::drafts::{Drafts, ids, member, scope};
use dvt_keys::RootKey;
use dvt_model::id::{BlockId, LedgerId, RunId};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_store::port::operation::{AppendAct, MoveInQueue, QueueState, Queueing, Rights};
use dvt_store::port::transaction::Kind;
use dvt_store::{Clock, Options, Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crate::drafts::clock;

/// Writers at once.
const WRITERS: u64 = 3;
/// Stages of each.
const STAGES: u64 = 14;

/// What was acknowledged.
#[derive(Default)]
pub struct Acknowledged {
    /// The tenant was made.
    pub tenant: bool,
    /// Its ledger.
    pub ledger: Option<LedgerId>,
    /// Blocks: id, first index, entries.
    pub blocks: Vec<(BlockId, u64, u64)>,
    /// Runs and their last acknowledged sequence number.
    pub runs: Vec<(RunId, u64)>,
    /// Every act that was sent, and its place if it was acknowledged.
    pub acts: Vec<(AppendAct, Option<u64>)>,
    /// Sizes of checkpoints.
    pub checkpoints: Vec<u64>,
    /// Settings, by name: their last acknowledged version.
    pub settings: BTreeMap<String, u64>,
    /// Places in the queue: their last acknowledged version.
    pub places: BTreeMap<RunId, u64>,
    /// Runs that were ordered to be erased.
    pub erased: Vec<RunId>,
    /// The number of the newest keys of each purpose.
    pub epoch: u32,
}

/// One history.
pub struct Scenario {
    /// What was acknowledged.
    pub acknowledged: Mutex<Acknowledged>,
    /// The tenant's ids.
    pub ids: ScopeIds,
    clock: Clock,
}

/// Opens a store in `folder`; the root key lies beside it.
pub fn open(folder: &Path, key: &Path, vfs: Option<&str>, clock: &Clock) -> Result<Store, String> {
    let root = if key.exists() { RootKey::load(key) } else { RootKey::create(key) };
    let root = root.map_err(|error| error.to_string())?;
    let options = Options {
        folder: folder.to_owned(),
        vfs: vfs.map(str::to_owned),
        clock: Arc::clone(clock),
        minter: Arc::new(Minter::behind_the_test_seam()),
    };
    Store::open(options, root).map_err(|error| error.to_string())
}

impl Scenario {
    /// A fresh one.
    pub fn new() -> Arc<Self> {
        let (ids, clock) = (ids(), clock());
        Arc::new(Self { acknowledged: Mutex::new(Acknowledged::default()), ids, clock })
    }

    /// What was acknowledged so far.
    pub fn acknowledged(&self) -> MutexGuard<'_, Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope of the tenant.
    pub fn scope(&self) -> TenantScope {
        scope(self.ids)
    }

    /// Works until the power goes or everything is done, then cuts it. An error that the cut does not explain is one.
    pub async fn play(self: &Arc<Self>, folder: &Path, key: &Path, disk: &Arc<Disk>) -> Result<(), String> {
        vfs::mount(folder, disk)?;
        let done = self.work(folder, key, disk).await;
        let was_dark = disk.is_dark();
        disk.cut();
        vfs::unmount(folder);
        match done {
            Err(error) if !was_dark => Err(format!("the work failed with the power on: {error}")),
            _ => Ok(()),
        }
    }

    async fn work(self: &Arc<Self>, folder: &Path, key: &Path, disk: &Arc<Disk>) -> Result<(), String> {
        let store = open(folder, key, Some(vfs::NAME), &self.clock)?;
        let ledger = store.create_tenant(self.ids, member()).await.map_err(|error| error.to_string())?;
        {
            let mut acknowledged = self.acknowledged();
            (acknowledged.tenant, acknowledged.ledger) = (true, Some(ledger));
        }
        store.claim(self.ids.tenant_id, 1).await.map_err(|error| error.to_string())?;
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let (here, store) = (Arc::clone(self), store.clone());
            writers.push(tokio::spawn(async move { here.write(&store, ledger).await }));
        }
        let sealing = {
            let (here, store) = (Arc::clone(self), store.clone());
            tokio::spawn(async move { here.seal(&store).await })
        };
        let keeping = {
            let (here, store) = (Arc::clone(self), store.clone());
            tokio::spawn(async move { keep::keep(&here, &store, &here.drafts(ledger)).await })
        };
        let result = self.checkpoint(folder, disk, &writers).await;
        let mut results = vec![result];
        for writer in writers {
            results.push(writer.await.map_err(|error| error.to_string())?);
        }
        results.push(sealing.await.map_err(|error| error.to_string())?);
        results.push(keeping.await.map_err(|error| error.to_string())?);
        // Whatever closing still writes meets a dark disk: it is no part of what was acknowledged.
        disk.cut();
        let _closed = store.close().await;
        results.into_iter().collect()
    }

    /// A run of its own, its events, and acts between them.
    async fn write(&self, store: &Store, ledger: LedgerId) -> Result<(), String> {
        let (run, drafts) = (RunId::from_random(crate::drafts::random()), self.drafts(ledger));
        let mut bootstrap = drafts.bootstrap(run);
        bootstrap.queue = Some(Queueing { request_id: run.to_string(), most_waiting: 100 });
        let (id, count) = (bootstrap.block.block_id, bootstrap.block.entries.len() as u64);
        let mut tx = store.begin(&self.scope(), Kind::Engine).map_err(|error| error.to_string())?;
        tx.bootstrap_run(bootstrap);
        let place = tx.commit().await.map_err(|error| error.to_string())?;
        {
            let mut acknowledged = self.acknowledged();
            acknowledged.blocks.push((id, place.first_index, count));
            acknowledged.runs.push((run, 1));
        }
        for seq in 2..STAGES + 2 {
            let append = drafts.append(run, seq, payload(seq));
            let id = append.block.block_id;
            let mut tx = store.begin(&self.scope(), Kind::Engine).map_err(|error| error.to_string())?;
            tx.append_run(append);
            let place = tx.commit().await.map_err(|error| error.to_string())?;
            {
                let mut acknowledged = self.acknowledged();
                acknowledged.blocks.push((id, place.first_index, 1));
                acknowledged.runs.push((run, seq));
            }
            self.act(store, ledger).await?;
            if seq.is_multiple_of(4) {
                self.beside(store, &drafts, run).await?;
            }
        }
        Ok(())
    }

    /// A change of a setting, and a move in the queue, which is no entry.
    async fn beside(&self, store: &Store, drafts: &Drafts, run: RunId) -> Result<(), String> {
        let name = run.key();
        let before = self.acknowledged().settings.get(&name).copied();
        let next = before.map_or(1, |version| version + 1);
        let mut tx = store.begin(&self.scope(), Kind::Act).map_err(|error| error.to_string())?;
        tx.put_setting(drafts.setting(&name, before, json!(next)));
        tx.commit().await.map_err(|error| error.to_string())?;
        self.acknowledged().settings.insert(name, next);
        let version = self.acknowledged().places.get(&run).copied().unwrap_or(1);
        let tx = store.begin(&self.scope(), Kind::Engine).map_err(|error| error.to_string())?;
        let until = (self.clock)().plus_ms(10_000);
        let step = MoveInQueue {
            run_id: run,
            expected_version: version,
            engine_epoch: 1,
            to: QueueState::Locked { until },
        };
        let moved = tx.move_in_queue(step).await.map_err(|error| error.to_string())?;
        self.acknowledged().places.insert(run, moved);
        Ok(())
    }

    async fn act(&self, store: &Store, ledger: LedgerId) -> Result<(), String> {
        let act = self.drafts(ledger).act(Some(json!({ "why": "because" })));
        let number = {
            let mut acknowledged = self.acknowledged();
            acknowledged.acts.push((act.clone(), None));
            acknowledged.acts.len() - 1
        };
        let id = act.block.block_id;
        let mut tx = store.begin(&self.scope(), Kind::Act).map_err(|error| error.to_string())?;
        tx.append_act(act);
        let place = tx.commit().await.map_err(|error| error.to_string())?;
        let mut acknowledged = self.acknowledged();
        acknowledged.blocks.push((id, place.first_index, 1));
        if let Some(sent) = acknowledged.acts.get_mut(number) {
            sent.1 = Some(place.first_index);
        }
        Ok(())
    }

    async fn seal(&self, store: &Store) -> Result<(), String> {
        for _ in 0..STAGES {
            let sealed = store.seal(self.ids.tenant_id).await.map_err(|error| error.to_string())?;
            if let Some(checkpoint) = sealed {
                self.acknowledged().checkpoints.push(checkpoint.size);
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Moves the log into the database file again and again, so that syncs of that file are met as well.
    async fn checkpoint<T>(
        &self,
        folder: &Path,
        disk: &Arc<Disk>,
        writers: &[tokio::task::JoinHandle<T>],
    ) -> Result<(), String> {
        let path = Store::ledger_path(folder, self.ids.tenant_id);
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags_and_vfs(&path, flags, vfs::NAME)
            .map_err(|error| error.to_string())?;
        connection.execute_batch("PRAGMA synchronous = FULL").map_err(|error| error.to_string())?;
        let mut at = disk.operations();
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) && !disk.is_dark() {
            if disk.operations() < at + 40 {
                tokio::task::yield_now().await;
                continue;
            }
            at = disk.operations();
            // Busy is an ordinary answer here: a writer is at work.
            let manner = if at.is_multiple_of(2) { "PASSIVE" } else { "RESTART" };
            let moved: Result<i64, _> =
                connection.query_row(&format!("PRAGMA wal_checkpoint({manner})"), [], |row| row.get(0));
            if let Err(error) = moved
                && !disk.is_dark()
                && error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy)
                && error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseLocked)
            {
                return Err(format!("a checkpoint: {error}"));
            }
        }
        Ok(())
    }

    fn drafts(&self, ledger: LedgerId) -> Drafts {
        Drafts { ids: self.ids, ledger, clock: Arc::clone(&self.clock), epoch: 1, rights: Rights::Nobody }
    }
}

/// Every fifth event spans several pages, so that torn writes meet the middle of a row.
fn payload(seq: u64) -> Value {
    json!({ "seq": seq, "text": "x".repeat(if seq.is_multiple_of(5) { 20_000 } else { 300 }) })
}
