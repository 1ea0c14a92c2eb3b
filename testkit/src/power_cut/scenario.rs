//! The work that is under way when the power goes: writers of runs and acts, sealing and checkpoints, all at once.
//!
//! Notes what was acknowledged, and nothing else is expected to be there afterwards.

use super::disk::Disk;
use super::vfs;
use dvt_keys::RootKey;
use dvt_model::action::{Action, Role};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::context::PrincipalType;
use dvt_model::digest::Digest;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, RunPart, SourceModule};
use dvt_model::id::{
    BlockId, DecisionId, EntryId, EnvironmentId, EventId, LedgerId, PlanId, PrincipalId, ProjectId,
    RequestId, RunId, TenantId,
};
use dvt_model::resource::ResourceRef;
use dvt_model::run::{PlanRef, RunMetadata, RunStatus};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use dvt_store::port::operation::{AppendAct, AppendRun, BlockDraft, BootstrapRun, EntryDraft, Member};
use dvt_store::port::transaction::Kind;
use dvt_store::{Clock, Options, Store};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
}

/// One history.
pub struct Scenario {
    /// What was acknowledged.
    pub acknowledged: Mutex<Acknowledged>,
    /// The tenant's ids.
    pub ids: ScopeIds,
    clock: Clock,
}

fn random<const N: usize>() -> [u8; N] {
    dvt_keys::entropy::random()
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

/// A clock that moves a millisecond at each look.
pub fn clock() -> Clock {
    let now = AtomicI64::new(1_790_000_000_000);
    Arc::new(move || Timestamp::from_ms(now.fetch_add(1, Ordering::SeqCst)))
}

impl Scenario {
    /// A fresh one.
    pub fn new() -> Arc<Self> {
        let ids = ScopeIds {
            tenant_id: TenantId::from_random(random()),
            project_id: ProjectId::from_random(random()),
            environment_id: EnvironmentId::from_random(random()),
        };
        Arc::new(Self { acknowledged: Mutex::new(Acknowledged::default()), ids, clock: clock() })
    }

    /// What was acknowledged so far.
    pub fn acknowledged(&self) -> MutexGuard<'_, Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope of the tenant.
    pub fn scope(&self) -> TenantScope {
        TenantScope::mint(&Minter::behind_the_test_seam(), self.ids)
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
        let member = Member {
            principal_id: PrincipalId::from_random(random()),
            name: "ada".to_owned(),
            os_uid: 1000,
            roles: vec![Role::TenantAdmin],
        };
        let ledger = store.create_tenant(self.ids, member).await.map_err(|error| error.to_string())?;
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
        let result = self.checkpoint(folder, disk, &writers).await;
        let mut results = vec![result];
        for writer in writers {
            results.push(writer.await.map_err(|error| error.to_string())?);
        }
        results.push(sealing.await.map_err(|error| error.to_string())?);
        // Whatever closing still writes meets a dark disk: it is no part of what was acknowledged.
        disk.cut();
        let _closed = store.close().await;
        results.into_iter().collect()
    }

    /// A run of its own, its events, and acts between them.
    async fn write(&self, store: &Store, ledger: LedgerId) -> Result<(), String> {
        let run = RunId::from_random(random());
        let bootstrap = self.bootstrap(run, ledger);
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
            let block = BlockDraft {
                block_id: BlockId::from_random(random()),
                entries: vec![self.event(run, ledger, seq)],
            };
            let id = block.block_id;
            let append = AppendRun {
                run_id: run,
                expected_run_seq: seq - 1,
                engine_epoch: 1,
                signal: None,
                block,
                status: RunStatus::Running,
            };
            let mut tx = store.begin(&self.scope(), Kind::Engine).map_err(|error| error.to_string())?;
            tx.append_run(append);
            let place = tx.commit().await.map_err(|error| error.to_string())?;
            {
                let mut acknowledged = self.acknowledged();
                acknowledged.blocks.push((id, place.first_index, 1));
                acknowledged.runs.push((run, seq));
            }
            self.act(store, ledger).await?;
        }
        Ok(())
    }

    async fn act(&self, store: &Store, ledger: LedgerId) -> Result<(), String> {
        let mut envelope = self.envelope(ledger, EventType::AuthDecision, "granted");
        envelope.decision_id = Some(DecisionId::from_random(random()));
        let payload = Some((PayloadClass::Standard, json!({ "why": "because" })));
        let entries = vec![EntryDraft { envelope, payload }];
        let act = AppendAct {
            block: BlockDraft { block_id: BlockId::from_random(random()), entries },
            reads: false,
        };
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

    fn envelope(&self, ledger_id: LedgerId, event_type: EventType, name: &str) -> Envelope {
        Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(random()),
            ledger_id,
            tenant_id: self.ids.tenant_id,
            project_id: self.ids.project_id,
            environment_id: self.ids.environment_id,
            recorded_at: (self.clock)(),
            actor: Actor {
                id: PrincipalId::from_random(random()),
                actor_type: PrincipalType::User,
                roles: vec![Role::Operator],
            },
            event_type,
            event_name: Some(name.to_owned()),
            action: Action::RunStart,
            resource: ResourceRef { resource_type: "run".to_owned(), id: "run_of_a_power_cut".to_owned() },
            decision: Outcome::Granted,
            reason_code: None,
            request_id: RequestId::from_random(random()),
            source_module: SourceModule::Engine,
            route: None,
            run_id: None,
            step_id: None,
            run: None,
            decision_id: None,
            policy_decision_id: None,
            payloads: Vec::new(),
            usage: None,
        }
    }

    fn event(&self, run: RunId, ledger: LedgerId, seq: u64) -> EntryDraft {
        let name = if seq == 1 { "RunQueued" } else { "StepStarted" };
        let mut envelope = self.envelope(ledger, EventType::StateMutation, name);
        envelope.action = Action::EngineAdvance;
        envelope.decision = Outcome::Completed;
        envelope.run_id = Some(run);
        envelope.run = Some(RunPart {
            event_id: EventId::from_random(random()),
            emitted_at: envelope.recorded_at,
            plan_id: PlanId::from_random(run.bytes()),
            plan_version: "1.0.0".to_owned(),
            logical_attempt_id: LogicalAttemptId::FIRST,
            engine_attempt_id: EngineAttemptId::FIRST,
            idempotency_key: Digest::of(format!("{run}{seq}").as_bytes()).hex(),
            run_seq: seq,
        });
        // Every fifth event spans several pages, so that torn writes meet the middle of a row.
        let text = "x".repeat(if seq.is_multiple_of(5) { 20_000 } else { 300 });
        EntryDraft { envelope, payload: Some((PayloadClass::Standard, json!({ "seq": seq, "text": text }))) }
    }

    fn bootstrap(&self, run: RunId, ledger: LedgerId) -> BootstrapRun {
        let document = json!({ "name": "power" });
        let digest = Digest::of(&canonical::to_bytes(&document).unwrap_or_default());
        BootstrapRun {
            metadata: RunMetadata {
                scope: self.ids,
                run_id: run,
                plan: PlanRef {
                    plan_id: PlanId::from_random(run.bytes()),
                    plan_version: "1.0.0".to_owned(),
                    digest,
                },
                plan_name: format!("p-{}", run.key()),
                provider: "embedded".to_owned(),
            },
            admission_key: Digest::of(&run.bytes()).hex(),
            request: json!({}),
            engine_epoch: 1,
            most_open_runs: 1_000,
            detached: false,
            plan_document: document,
            block: BlockDraft {
                block_id: BlockId::from_random(random()),
                entries: vec![self.event(run, ledger, 1)],
            },
            status: RunStatus::Pending,
        }
    }
}
