//! What every test needs: a store in a fresh folder, a tenant in it, and stages that are right until a test makes them wrong.

use dvt_keys::RootKey;
use dvt_model::action::{Action, Role};
use dvt_model::attempt::{EngineAttemptId, LogicalAttemptId};
use dvt_model::canonical;
use dvt_model::context::{Authenticated, Kind as CallKind, OpContext, Principal, PrincipalType};
use dvt_model::digest::Digest;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, PayloadClass, RunPart, SourceModule};
use dvt_model::id::*;
use dvt_model::proof::{AuditExport, Authorized};
use dvt_model::resource::{Ledger, ResourceRef};
use dvt_model::run::{PlanRef, RunMetadata, RunStatus};
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use dvt_store::backup::BackedUp;
use dvt_store::port::operation::*;
use dvt_store::port::transaction::{Kind, TenantTx};
use dvt_store::{Clock, Error, Options, Store};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

pub(crate) fn random<const N: usize>() -> [u8; N] {
    dvt_keys::entropy::random()
}

/// A clock that moves a millisecond at each look.
pub(crate) fn clock() -> Clock {
    let now = AtomicI64::new(1_790_000_000_000);
    Arc::new(move || Timestamp::from_ms(now.fetch_add(1, Ordering::SeqCst)))
}

pub(crate) fn ids() -> ScopeIds {
    ScopeIds {
        tenant_id: TenantId::from_random(random()),
        project_id: ProjectId::from_random(random()),
        environment_id: EnvironmentId::from_random(random()),
    }
}

pub(crate) fn options(folder: &Path, clock: Clock) -> Options {
    Options { folder: folder.to_owned(), vfs: None, clock, minter: Arc::new(Minter::behind_the_test_seam()) }
}

pub(crate) fn root_key(folder: &Path) -> RootKey {
    let path = folder.join("root.key");
    if path.exists() { RootKey::load(&path).unwrap() } else { RootKey::create(&path).unwrap() }
}

/// A store with one tenant.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) ids: ScopeIds,
    pub(crate) scope: TenantScope,
    pub(crate) ledger: LedgerId,
}

pub(crate) async fn tenant(store: &Store) -> (ScopeIds, TenantScope, LedgerId) {
    let ids = ids();
    let ledger = store.create_tenant(ids, member()).await.unwrap();
    (ids, TenantScope::mint(&Minter::behind_the_test_seam(), ids), ledger)
}

pub(crate) fn member() -> Member {
    Member {
        principal_id: PrincipalId::from_random(random()),
        name: "Ada CANARY-NAME".to_owned(),
        os_uid: 1000,
        roles: vec![Role::TenantAdmin],
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(clock()).await
    }

    /// With a clock of one's own.
    pub(crate) async fn with(clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let store = Store::open(options(folder.path(), clock.clone()), root_key(folder.path())).unwrap();
        let (ids, scope, ledger) = tenant(&store).await;
        store.claim(ids.tenant_id, 1).await.unwrap();
        Self { folder, store, clock, ids, scope, ledger }
    }

    /// Around a store that is there already.
    #[cfg(feature = "crash-points")]
    pub(crate) async fn around(folder: TempDir, store: Store, clock: Clock, tenant: TenantId) -> Self {
        let ids = ScopeIds { tenant_id: tenant, ..ids() };
        let scope = TenantScope::mint(&Minter::behind_the_test_seam(), ids);
        let ledger = store.begin(&scope, Kind::Act).unwrap().ledger();
        Self { folder, store, clock, ids, scope, ledger }
    }

    /// The right to export the ledger of a tenant, as access would prove it.
    pub(crate) fn export(&self, scope: TenantScope) -> Authorized<Ledger, AuditExport> {
        let minter = Minter::behind_the_test_seam();
        let principal = Principal {
            id: PrincipalId::from_random(random()),
            principal_type: PrincipalType::User,
            roles: vec![Role::TenantAdmin],
            rights_epoch: 1,
        };
        let context = OpContext::mint(
            &minter,
            Authenticated {
                principal,
                scope,
                request_id: RequestId::from_random(random()),
                kind: CallKind::Interactive,
                auth_time: (self.clock)(),
                methods: vec!["os".to_owned()],
            },
        );
        let ledger = Ledger { id: scope.tenant(), scope: scope.ids() };
        let decision = || DecisionId::from_random(random());
        Authorized::mint(&minter, context, ledger, decision(), decision())
    }

    /// Takes a backup with the right to this house's one tenant.
    pub(crate) async fn backup(&self, to: &Path, beside: Vec<(String, Vec<u8>)>) -> Result<BackedUp, Error> {
        self.store.backup(&[self.export(self.scope)], to, beside, &Arc::default()).await
    }

    /// Closes everything and opens it again.
    pub(crate) async fn again(mut self) -> Self {
        self.store.close().await.unwrap();
        self.store = self.second();
        self
    }

    /// Another handle, as another process would have it.
    pub(crate) fn second(&self) -> Store {
        Store::open(options(self.folder.path(), self.clock.clone()), root_key(self.folder.path())).unwrap()
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        Store::ledger_path(self.folder.path(), self.ids.tenant_id)
    }

    pub(crate) fn act(&self) -> TenantTx {
        self.store.begin(&self.scope, Kind::Act).unwrap()
    }

    pub(crate) fn engine(&self) -> TenantTx {
        self.store.begin(&self.scope, Kind::Engine).unwrap()
    }

    pub(crate) fn envelope(&self, event_type: EventType, name: &str) -> Envelope {
        Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(random()),
            ledger_id: self.ledger,
            tenant_id: self.ids.tenant_id,
            project_id: self.ids.project_id,
            environment_id: self.ids.environment_id,
            recorded_at: (self.clock)(),
            actor: Actor {
                id: PrincipalId::from_random([9; 16]),
                actor_type: PrincipalType::User,
                roles: vec![Role::Operator],
            },
            event_type,
            event_name: Some(name.to_owned()),
            action: Action::RunStart,
            resource: ResourceRef { resource_type: "run".to_owned(), id: "run_x".to_owned() },
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

    pub(crate) fn decision(&self, decision: DecisionId) -> EntryDraft {
        let mut envelope = self.envelope(EventType::AuthDecision, "granted");
        envelope.decision_id = Some(decision);
        EntryDraft { envelope, payload: None }
    }

    pub(crate) fn event(&self, run: &Run, seq: u64, name: &str, payload: Value) -> EntryDraft {
        let mut envelope = self.envelope(EventType::StateMutation, name);
        envelope.action = Action::EngineAdvance;
        envelope.decision = Outcome::Completed;
        envelope.run_id = Some(run.id);
        envelope.run = Some(RunPart {
            event_id: EventId::from_random(random()),
            emitted_at: envelope.recorded_at,
            plan_id: run.plan,
            plan_version: "1.0.0".to_owned(),
            logical_attempt_id: LogicalAttemptId::FIRST,
            engine_attempt_id: EngineAttemptId::FIRST,
            idempotency_key: Digest::of(format!("{}{seq}", run.id).as_bytes()).hex(),
            run_seq: seq,
        });
        EntryDraft { envelope, payload: Some((PayloadClass::Standard, payload)) }
    }

    pub(crate) fn bootstrap(&self, run: &Run) -> BootstrapRun {
        let document = json!({ "name": run.name, "steps": [{ "id": "a", "run": ["true"] }] });
        let digest = Digest::of(&canonical::to_bytes(&document).unwrap());
        BootstrapRun {
            metadata: RunMetadata {
                scope: self.ids,
                run_id: run.id,
                plan: PlanRef { plan_id: run.plan, plan_version: "1.0.0".to_owned(), digest },
                plan_name: run.name.clone(),
                provider: "embedded".to_owned(),
            },
            admission_key: run.admission.clone(),
            request: json!({ "inputs": { "k": "v" } }),
            engine_epoch: 1,
            most_open_runs: 1_000,
            rights: Rights::Nobody,
            queue: None,
            group: None,
            setting: None,
            is_new: false,
            detached: false,
            plan_document: document,
            block: block(vec![
                self.decision(DecisionId::from_random(random())),
                self.event(run, 1, "RunQueued", json!({ "inputs": { "k": "CANARY-INPUT" } })),
            ]),
            status: RunStatus::Pending,
        }
    }

    pub(crate) async fn admit(&self, run: &Run) -> Committed {
        let mut tx = self.engine();
        tx.bootstrap_run(self.bootstrap(run));
        tx.commit().await.unwrap()
    }

    pub(crate) fn advance(&self, run: &Run, expected: u64, payload: Value) -> AppendRun {
        AppendRun {
            run_id: run.id,
            expected_run_seq: expected,
            engine_epoch: 1,
            signal: None,
            block: block(vec![self.event(run, expected + 1, "StepStarted", payload)]),
            status: RunStatus::Running,
        }
    }

    pub(crate) async fn append(&self, append: AppendRun) -> Result<Committed, dvt_store::Refusal> {
        let mut tx = self.engine();
        tx.append_run(append);
        tx.commit().await
    }

    pub(crate) fn an_act(&self) -> AppendAct {
        AppendAct {
            block: block(vec![self.decision(DecisionId::from_random(random()))]),
            reads: false,
            rights: Rights::Nobody,
        }
    }

    pub(crate) async fn enter(&self, act: AppendAct) -> Result<Committed, dvt_store::Refusal> {
        let mut tx = self.act();
        tx.append_act(act);
        tx.commit().await
    }

    /// A raw connection to the tenant's file, as an attacker on the machine would have it.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// The ledger's indices must be 0, 1, 2 …; gives their number.
    pub(crate) fn gapless(&self) -> u64 {
        let raw = self.raw();
        let mut statement =
            raw.prepare("SELECT first_index, count FROM ledger_block ORDER BY first_index").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap();
        let mut next = 0;
        for row in rows {
            let (first, count) = row.unwrap();
            assert_eq!(first, next, "a gap or an overlap");
            next += count;
        }
        let head: i64 = raw.query_row("SELECT next_index FROM ledger_head", [], |row| row.get(0)).unwrap();
        assert_eq!(head, next);
        next as u64
    }
}

/// What names a run of a test.
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) plan: PlanId,
    pub(crate) name: String,
    pub(crate) admission: String,
}

pub(crate) fn run() -> Run {
    let admission = Digest::of(&random::<16>()).hex();
    Run {
        id: RunId::from_random(random()),
        plan: PlanId::from_random(random()),
        name: format!("p{}", &admission[..8]),
        admission,
    }
}

/// An act that rests on nobody's rights.
pub(crate) fn by_nobody(entries: Vec<EntryDraft>) -> ActDraft {
    ActDraft { block: block(entries), rights: Rights::Nobody }
}

pub(crate) fn block(entries: Vec<EntryDraft>) -> BlockDraft {
    BlockDraft { block_id: BlockId::from_random(random()), entries }
}

/// Verifies a tenant's file with public keys alone.
pub(crate) async fn verify(house: &House) -> dvt_ledger::verify::result::VerificationResult {
    let keys = house.store.verifier_keys(house.ids.tenant_id).await.unwrap();
    let file = dvt_store::verify::LedgerFile::open(&house.path()).unwrap();
    let clock = house.clock.clone();
    dvt_ledger::verify::verify(&file, &keys, None, &move || clock())
}
