//! An honest ledger, written by the real store: runs beside each other, acts and groups of reads between them, payloads under run
//! keys and under the tenant's key, a checkpoint every now and then, and at the end some entries that none covers.
//!
//! Erasure and pruning are the store's own, years apart by its clock. Of a change of the checkpoint key only the entry is written:
//! the store keeps its signing keys to itself, so whoever shapes the file signs anew with keys of the harness.

use crate::drafts::{Drafts, block, random};
use crate::power_cut::scenario::open;
use dvt_ledger::announce;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::action::{Action, Role};
use dvt_model::entry::{Envelope, EventType, Outcome, PayloadClass, SourceModule};
use dvt_model::id::{DecisionId, EnvironmentId, LedgerId, PrincipalId, ProjectId, RunId, TenantId};
use dvt_model::resource::ResourceRef;
use dvt_model::run::RunStatus;
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use dvt_store::port::operation::{ActDraft, AppendAct, AppendRun, BootstrapRun, EntryDraft, Member, Rights};
use dvt_store::port::transaction::Kind;
use dvt_store::{Clock, Store, Target};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// When the ledger begins.
const BEGUN_MS: i64 = 1_540_000_000_000;
/// Longer than a ledger is kept.
const YEARS_MS: i64 = 2_600 * 86_400_000;
/// Runs at once.
const LANES: u64 = 12;
/// Entries of the blocks of a run, after the two of its admission.
const BLOCKS: [u64; 6] = [1, 3, 1, 2, 1, 1];

/// A store with one tenant that writes.
pub struct House {
    /// The store.
    pub store: Store,
    folder: PathBuf,
    clock: Clock,
    now: Arc<AtomicI64>,
    ids: ScopeIds,
    ledger: LedgerId,
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl House {
    /// A store in a new folder, and a tenant in it.
    pub async fn new(folder: &Path) -> Result<Self, String> {
        let now = Arc::new(AtomicI64::new(BEGUN_MS));
        let here = Arc::clone(&now);
        let clock: Clock = Arc::new(move || Timestamp::from_ms(here.load(Ordering::SeqCst)));
        let store = open(&folder.join("data"), &folder.join("root.key"), None, &clock)?;
        let ids = ScopeIds {
            tenant_id: TenantId::from_random(random()),
            project_id: ProjectId::from_random(random()),
            environment_id: EnvironmentId::from_random(random()),
        };
        let member = Member {
            principal_id: PrincipalId::from_random(random()),
            name: "ada".to_owned(),
            os_uid: 1000,
            roles: vec![Role::TenantAdmin],
        };
        let ledger = store.create_tenant(ids, member).await.map_err(text)?;
        store.claim(ids.tenant_id, 1).await.map_err(text)?;
        Ok(Self { store, folder: folder.to_owned(), clock, now, ids, ledger })
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.ids.tenant_id
    }

    /// Its scope.
    pub fn scope(&self) -> TenantScope {
        TenantScope::mint(&Minter::behind_the_test_seam(), self.ids)
    }

    /// Its file.
    pub fn path(&self) -> PathBuf {
        Store::ledger_path(&self.folder.join("data"), self.ids.tenant_id)
    }

    /// Writes at least so many entries more, with a checkpoint after each round of runs.
    pub async fn grow(&self, entries: u64) -> Result<(), String> {
        let round = LANES * (2 + BLOCKS.iter().sum::<u64>() + 2);
        for _ in 0..entries.div_ceil(round) {
            self.round().await?;
            self.store.seal(self.tenant()).await.map_err(text)?;
        }
        Ok(())
    }

    async fn round(&self) -> Result<(), String> {
        let mut lanes = Vec::new();
        for _ in 0..LANES {
            let here = Self {
                store: self.store.clone(),
                folder: PathBuf::new(),
                clock: self.clock.clone(),
                now: Arc::clone(&self.now),
                ..*self
            };
            lanes.push(tokio::spawn(async move { here.run(RunId::from_random(random())).await }));
        }
        for lane in lanes {
            lane.await.map_err(text)??;
        }
        Ok(())
    }

    /// A run from its admission to its end, one act and one group of reads beside it.
    async fn run(&self, run: RunId) -> Result<(), String> {
        let mut transaction = self.store.begin(&self.scope(), Kind::Engine).map_err(text)?;
        transaction.bootstrap_run(self.bootstrap(run));
        transaction.commit().await.map_err(text)?;
        let mut seq = 1;
        for (place, count) in BLOCKS.iter().enumerate() {
            let is_last = place + 1 == BLOCKS.len();
            let name = if is_last { "RunCompleted" } else { "StepStarted" };
            let entries = (seq + 1..=seq + count).map(|seq| self.event(run, seq, name)).collect();
            let append = AppendRun {
                run_id: run,
                expected_run_seq: seq,
                engine_epoch: 1,
                signal: None,
                block: block(entries),
                status: if is_last { RunStatus::Completed } else { RunStatus::Running },
            };
            let mut transaction = self.store.begin(&self.scope(), Kind::Engine).map_err(text)?;
            transaction.append_run(append);
            transaction.commit().await.map_err(text)?;
            seq += count;
        }
        self.act(vec![self.decision(run)], false).await?;
        self.act(vec![self.decision(run)], true).await
    }

    /// Large blocks of acts, for measuring: quicker to write, the same to verify.
    pub async fn bulk(&self, entries: u64) -> Result<(), String> {
        for _ in 0..entries.div_ceil(500) {
            let acts = (0..500).map(|_| self.decision(RunId::from_random(random())));
            self.act(acts.collect(), true).await?;
        }
        self.store.seal(self.tenant()).await.map(drop).map_err(text)
    }

    /// The ledger's id.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// A whole copy of the file as it is now.
    pub fn copy_to(&self, path: &Path) -> Result<(), String> {
        let connection = rusqlite::Connection::open(self.path()).map_err(text)?;
        connection.execute("VACUUM INTO ?1", [path.display().to_string()]).map(drop).map_err(text)
    }

    /// One block of acts.
    pub async fn act(&self, entries: Vec<EntryDraft>, reads: bool) -> Result<(), String> {
        let mut transaction = self.store.begin(&self.scope(), Kind::Act).map_err(text)?;
        transaction.append_act(AppendAct { block: block(entries), reads, rights: Rights::Nobody });
        transaction.commit().await.map(drop).map_err(text)
    }

    /// An entry by which the ledger says something about itself.
    pub async fn announce(&self, kind: EventType, name: &str, resource: ResourceRef) -> Result<(), String> {
        let mut envelope = self.envelope(kind, Some(name));
        (envelope.action, envelope.decision) = (Action::LedgerSeal, Outcome::Completed);
        (envelope.resource, envelope.source_module) = (resource, SourceModule::Store);
        self.act(vec![EntryDraft { envelope, payload: None }], false).await
    }

    /// The entry of a new checkpoint key.
    pub async fn announce_key(&self, key: &VerifierKey) -> Result<(), String> {
        let resource = announce::checkpoint_key(key);
        self.announce(EventType::LedgerEvent, announce::CHECKPOINT_KEY_ROTATED, resource).await
    }

    /// Lets the years pass after which a ledger may be pruned. The keys of the tenant are as young afterwards as they were: their
    /// replacements would be signed for by keys that nobody here holds.
    pub fn let_years_pass(&self) -> Result<(), String> {
        self.now.fetch_add(YEARS_MS, Ordering::SeqCst);
        let connection = rusqlite::Connection::open(self.path()).map_err(text)?;
        connection
            .execute("UPDATE wrapped_key SET created_at = created_at + ?1", [YEARS_MS])
            .map(drop)
            .map_err(text)
    }

    /// Erases what a run said, by the store's own order and deed; gives how many keys ended.
    pub async fn erase(&self, run: RunId) -> Result<u64, String> {
        let decision = DecisionId::from_random(random());
        let mut transaction = self.store.begin(&self.scope(), Kind::Act).map_err(text)?;
        transaction.order_erasure(by_nobody(vec![self.decision(run)]), decision, Target::Run(run));
        transaction.commit().await.map_err(text)?;
        Ok(self.store.erase_ordered(self.tenant()).await.map_err(text)?.keys)
    }

    /// Prunes by the store's own means; gives the first entry that is left.
    pub async fn prune(&self) -> Result<u64, String> {
        let mut transaction = self.store.begin(&self.scope(), Kind::Act).map_err(text)?;
        let prunable = transaction.prunable().await.map_err(text)?;
        transaction.prune(by_nobody(vec![self.decision(RunId::from_random(random()))]));
        transaction.commit().await.map_err(text)?;
        Ok(prunable.first_left)
    }

    /// An AUTH_DECISION with a payload.
    pub fn decision(&self, run: RunId) -> EntryDraft {
        let mut envelope = self.envelope(EventType::AuthDecision, None);
        envelope.resource = ResourceRef { resource_type: "run".to_owned(), id: run.to_string() };
        envelope.decision_id = Some(DecisionId::from_random(random()));
        EntryDraft {
            envelope,
            payload: Some((PayloadClass::Standard, json!({ "policies": ["role:operator"] }))),
        }
    }

    fn drafts(&self) -> Drafts {
        let (ids, ledger, clock) = (self.ids, self.ledger, self.clock.clone());
        Drafts { ids, ledger, clock, epoch: 1, rights: Rights::Nobody }
    }

    fn envelope(&self, event_type: EventType, name: Option<&str>) -> Envelope {
        let resource = ResourceRef { resource_type: "tenant".to_owned(), id: self.ids.tenant_id.to_string() };
        let event_name = name.map(str::to_owned);
        Envelope { event_name, resource, ..self.drafts().envelope(event_type, "") }
    }

    fn event(&self, run: RunId, seq: u64, name: &str) -> EntryDraft {
        let mut event = self.drafts().event(run, seq, json!({ "seq": seq, "step": "load" }));
        event.envelope.event_name = Some(name.to_owned());
        event.envelope.resource = ResourceRef { resource_type: "run".to_owned(), id: run.to_string() };
        event
    }

    fn bootstrap(&self, run: RunId) -> BootstrapRun {
        let block = block(vec![self.decision(run), self.event(run, 1, "RunQueued")]);
        BootstrapRun { block, ..self.drafts().bootstrap(run) }
    }
}

fn by_nobody(entries: Vec<EntryDraft>) -> ActDraft {
    ActDraft { block: block(entries), rights: Rights::Nobody }
}
