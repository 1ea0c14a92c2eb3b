//! An installation for one test: folder, store, tenants, clock, door, and proofs as access would make them.

use dvt_engine::client::{Client, Progress, StartAnswer, StartRequest};
use dvt_engine::{Door, Grant, Judging, Opened, Parts, Problem, Surroundings};
use dvt_keys::RootKey;
use dvt_keys::entropy::random;
use dvt_model::action::{Action, Role};
use dvt_model::code::Code;
use dvt_model::context::{Authenticated, Kind as CallKind, OpContext, Principal, PrincipalType};
use dvt_model::decision::{Circumstances, DecisionRecord, Draft, Operation};
use dvt_model::digest::Digest;
use dvt_model::entry::{Actor, Envelope, EventType, Outcome, SourceModule};
use dvt_model::id::*;
use dvt_model::proof::{
    AuditExport, Authorized, Permits, PlanCreate, RunCancel, RunReadPayload, RunReadStatus, RunStart,
    SignalSend,
};
use dvt_model::resource::{Ledger, Plan, Project, Resource, ResourceRef, Run};
use dvt_model::run::RunStatus;
use dvt_model::scope::{Minter, ScopeIds, TenantScope};
use dvt_model::time::Timestamp;
use dvt_plan::diagnostic::Source;
use dvt_store::port::ledger::{Cleared, PayloadSight, Query, Sight};
use dvt_store::port::operation::{BlockDraft, EntryDraft, Member, PutSetting, Rights, StoredEvent};
use dvt_store::port::transaction::Kind;
use dvt_store::{Clock, Options, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Everything of one test; a run that takes longer than this is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("the test is stuck") })
}

/// A tenant and its one member.
#[derive(Clone, Copy)]
pub(crate) struct Tenant {
    pub(crate) ids: ScopeIds,
    pub(crate) member: PrincipalId,
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) minter: Arc<Minter>,
    pub(crate) pushed_ms: Arc<AtomicI64>,
    pub(crate) tenant: Tenant,
    pub(crate) parts: Parts,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pushed_ms = Arc::new(AtomicI64::new(0));
        let pushed = Arc::clone(&pushed_ms);
        let clock: Clock = Arc::new(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
            Timestamp::from_ms(i64::try_from(now).unwrap() + pushed.load(Ordering::SeqCst))
        });
        let minter = Arc::new(Minter::behind_the_test_seam());
        let root = RootKey::create(&folder.path().join("key").join("root")).unwrap();
        let data = folder.path().join("data");
        let options = Options {
            folder: data.clone(),
            vfs: None,
            clock: Arc::clone(&clock),
            minter: Arc::clone(&minter),
        };
        let store = Store::open(options, root).unwrap();
        let measure = Arc::clone(&clock);
        let steady =
            Arc::new(move || Duration::from_millis(u64::try_from(measure().ms()).unwrap_or_default()));
        let parts = Parts {
            store: store.clone(),
            folder: data,
            worker: PathBuf::from("/proc/self/exe"),
            clock,
            // A simulated clock is its own measure: it is never found set.
            surroundings: Surroundings { steady, every: dvt_engine::LOOK_EVERY },
            door: Arc::new(TestDoor::default()),
            idle: dvt_engine::IDLE,
            patience: dvt_engine::PATIENCE,
            two_persons: dvt_engine::TwoPersons::Required,
        };
        let tenant = new_tenant(&store).await;
        Self { folder, store, minter, pushed_ms, tenant, parts }
    }

    pub(crate) async fn attach(&self) -> Client {
        dvt_engine::attach(self.parts.clone()).await.unwrap()
    }

    pub(crate) fn scope(&self, tenant: Tenant) -> TenantScope {
        TenantScope::mint(&self.minter, tenant.ids)
    }

    /// A proof as access would make it, of a request of its own.
    pub(crate) fn proof<R: Resource, A: Permits>(&self, tenant: Tenant, resource: R) -> Authorized<R, A> {
        self.proof_with(&[Role::TenantAdmin], tenant, resource)
    }

    pub(crate) fn proof_with<R: Resource, A: Permits>(
        &self,
        roles: &[Role],
        tenant: Tenant,
        resource: R,
    ) -> Authorized<R, A> {
        let principal = Principal {
            id: tenant.member,
            principal_type: PrincipalType::User,
            roles: roles.to_vec(),
            rights_epoch: 1,
        };
        let context = OpContext::mint(
            &self.minter,
            Authenticated {
                principal,
                scope: self.scope(tenant),
                request_id: RequestId::from_random(random()),
                kind: CallKind::Interactive,
                auth_time: (self.parts.clock)(),
                methods: vec!["os".to_owned()],
            },
        );
        let (decision, policy) = (DecisionId::from_random(random()), DecisionId::from_random(random()));
        Authorized::mint(&self.minter, context, resource, decision, policy)
    }

    pub(crate) fn run_proof<A: Permits>(&self, tenant: Tenant, run: RunId) -> Authorized<Run, A> {
        self.proof(tenant, Run { id: run, scope: tenant.ids })
    }

    pub(crate) fn request(&self, plan: &str, inputs: &[(&str, Value)]) -> StartRequest {
        let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: plan.to_owned() });
        let checked = outcome.checked.unwrap_or_else(|| panic!("{:?}", outcome.diagnostics));
        StartRequest {
            plan_version: format!("0.0.0-dev.d{}", &checked.digest().hex()[..12]),
            plan_document: checked.canonical.into_value(),
            plan_id: PlanId::from_random(random()),
            inputs: inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            run_request_id: RunRequestId::parse(&RequestId::from_random(random()).key()).unwrap(),
            files_digest: None,
            host_allowed: true,
            detached: false,
            selection: None,
        }
    }

    pub(crate) async fn start(&self, client: &Client, request: StartRequest) -> Result<StartAnswer, Problem> {
        self.start_as(self.tenant, client, request).await
    }

    /// With proofs of somebody who has these roles alone.
    pub(crate) async fn start_with(
        &self,
        roles: &[Role],
        client: &Client,
        request: StartRequest,
    ) -> Result<StartAnswer, Problem> {
        let ids = self.tenant.ids;
        let project = Project { id: ids.project_id, scope: ids };
        let publish: Authorized<Project, PlanCreate> = self.proof_with(roles, self.tenant, project);
        let plan = Plan { id: request.plan_id, scope: ids };
        let start: Authorized<Plan, RunStart> = self.proof_with(roles, self.tenant, plan);
        client.start_run(&publish, &start, request).await
    }

    pub(crate) async fn start_as(
        &self,
        tenant: Tenant,
        client: &Client,
        request: StartRequest,
    ) -> Result<StartAnswer, Problem> {
        let project = Project { id: tenant.ids.project_id, scope: tenant.ids };
        let publish: Authorized<Project, PlanCreate> = self.proof(tenant, project);
        let start: Authorized<Plan, RunStart> =
            self.proof(tenant, Plan { id: request.plan_id, scope: tenant.ids });
        client.start_run(&publish, &start, request).await
    }

    pub(crate) fn record(&self, proof: &Authorized<Run, RunCancel>) -> DecisionRecord {
        self.record_of(proof, Operation::Cancel)
    }

    pub(crate) fn record_of<A: Permits>(
        &self,
        proof: &Authorized<Run, A>,
        operation: Operation,
    ) -> DecisionRecord {
        let draft =
            Draft { operation, justification_text: "the test says so".to_owned(), approval_ticket_id: None };
        draft
            .complete(Circumstances {
                decision_id: DecisionId::from_random(random()),
                actor_id: proof.context().principal().id,
                actor_role: Role::TenantAdmin,
                scope: proof.resource().scope,
                resource: proof.resource().reference(),
                timestamp: (self.parts.clock)(),
                policy_decision_id: proof.policy_decision_id(),
                solo_owner: true,
            })
            .unwrap()
    }

    pub(crate) async fn cancel(
        &self,
        tenant: Tenant,
        client: &Client,
        run: RunId,
        signal: &str,
    ) -> Result<RunStatus, Problem> {
        let proof = self.run_proof(tenant, run);
        client.cancel_run(&proof, self.record(&proof), SignalId::parse(signal).unwrap()).await
    }

    pub(crate) async fn resume(&self, client: &Client, run: RunId) -> Result<RunStatus, Problem> {
        client.resume_run(&self.run_proof::<SignalSend>(self.tenant, run), true).await
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<StoredEvent> {
        let transaction = self.store.begin(&self.scope(self.tenant), Kind::Act).unwrap();
        transaction.fetch_events(run, 0, 1_000).await.unwrap()
    }

    pub(crate) async fn names(&self, run: RunId) -> Vec<String> {
        let names = self.events(run).await.into_iter();
        names
            .map(|event| {
                let step = event.envelope.step_id.map(|step| format!(" {step}")).unwrap_or_default();
                format!("{}{step}", event.envelope.event_name.unwrap())
            })
            .collect()
    }

    /// The payload of the first event of this name and step.
    pub(crate) async fn payload(&self, run: RunId, name: &str, step: Option<&str>) -> Value {
        let found = self.events(run).await.into_iter().find(|event| {
            event.envelope.event_name.as_deref() == Some(name) && event.envelope.step_id.as_deref() == step
        });
        found.unwrap_or_else(|| panic!("no {name} of {step:?}")).payload.unwrap()
    }

    /// A setting of the tenant's policy, made from this version.
    pub(crate) async fn set(&self, name: &str, expected_version: Option<u64>, value: Value) {
        let mut transaction = self.store.begin(&self.scope(self.tenant), Kind::Act).unwrap();
        let ids = self.tenant.ids;
        let envelope = Envelope {
            record_version: "1.0".to_owned(),
            entry_id: EntryId::from_random(random()),
            ledger_id: transaction.ledger(),
            tenant_id: ids.tenant_id,
            project_id: ids.project_id,
            environment_id: ids.environment_id,
            recorded_at: (self.parts.clock)(),
            actor: Actor {
                id: self.tenant.member,
                actor_type: PrincipalType::User,
                roles: vec![Role::TenantAdmin],
            },
            event_type: EventType::ConfigChanged,
            event_name: Some("SettingChanged".to_owned()),
            action: Action::RetentionSet,
            resource: ResourceRef { resource_type: "setting".to_owned(), id: name.to_owned() },
            decision: Outcome::Completed,
            reason_code: None,
            request_id: RequestId::from_random(random()),
            source_module: SourceModule::Cli,
            route: None,
            run_id: None,
            step_id: None,
            run: None,
            decision_id: None,
            policy_decision_id: None,
            payloads: Vec::new(),
            usage: None,
        };
        transaction.put_setting(PutSetting {
            kind: "policy".to_owned(),
            name: name.to_owned(),
            expected_version,
            rights: Rights::Nobody,
            value,
            block: BlockDraft::of(vec![EntryDraft { envelope, payload: None }]),
        });
        transaction.commit().await.unwrap();
    }

    /// The decision records about a run, as an auditor exports them.
    pub(crate) async fn records(&self, client: &Client, run: RunId) -> Vec<Value> {
        client.follow(&self.run_proof::<RunReadStatus>(self.tenant, run)).await.unwrap();
        client.seal(run).await.unwrap();
        let ids = self.tenant.ids;
        let ledger = Ledger { id: ids.tenant_id, scope: ids };
        let sight = Sight::export(&self.proof::<_, AuditExport>(self.tenant, ledger));
        let project = Project { id: ids.project_id, scope: ids };
        let payloads = PayloadSight::of(&self.proof::<_, RunReadPayload>(self.tenant, project));
        let query = Query {
            resource: Some(run.to_string()),
            event_type: Some(EventType::DecisionRecorded),
            ..Query::default()
        };
        let transaction = self.store.begin(&self.scope(self.tenant), Kind::Act).unwrap();
        let exported = transaction.export_ledger(&sight, Some(&payloads), &query).await.unwrap();
        let payloads = exported.entries.into_iter().flat_map(|entry| entry.payloads);
        payloads
            .map(|payload| match payload {
                Cleared::Open { value, .. } => value,
                Cleared::Erased => panic!("a record is erased"),
            })
            .collect()
    }

    /// Follows a run until its events satisfy something.
    pub(crate) async fn until(
        &self,
        client: &Client,
        run: RunId,
        what: impl Fn(&[String]) -> bool,
    ) -> Progress {
        let mut known = 0;
        loop {
            let news = client.progress(run, known).await.unwrap();
            if what(&self.names(run).await) {
                return news;
            }
            assert!(!news.status.is_terminal(), "it ended without: {:?}", self.names(run).await);
            known = news.last_run_seq;
        }
    }

    pub(crate) async fn to_the_end(&self, client: &Client, run: RunId) -> RunStatus {
        let mut known = 0;
        loop {
            let news = client.progress(run, known).await.unwrap();
            if news.status.is_terminal() {
                return news.status;
            }
            known = news.last_run_seq;
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

pub(crate) async fn new_tenant(store: &Store) -> Tenant {
    let ids = ScopeIds {
        tenant_id: TenantId::from_random(random()),
        project_id: ProjectId::from_random(random()),
        environment_id: EnvironmentId::from_random(random()),
    };
    let member = PrincipalId::from_random(random());
    let row = Member {
        principal_id: member,
        name: "tester".to_owned(),
        os_uid: rustix::process::geteuid().as_raw(),
        roles: vec![Role::TenantAdmin],
    };
    store.create_tenant(ids, row).await.unwrap();
    Tenant { ids, member }
}

/// A door for two engines in one process: envelopes are tickets to grants that never leave it, each good once and for one
/// command. What an envelope is on the wire, access's own tests show.
#[derive(Default)]
struct TestDoor {
    grants: Mutex<BTreeMap<String, (Grant, Digest)>>,
}

impl Door for TestDoor {
    fn open(&self, envelope: &str, command: &[u8]) -> Result<Opened, Problem> {
        let found = self.grants.lock().unwrap().remove(envelope);
        found.filter(|(_, digest)| *digest == Digest::of(command)).map(|(grant, _)| grant).ok_or_else(|| {
            Problem {
                code: Code::AuthorizationRequired,
                message: "the authorization envelope is missing or bad".to_owned(),
            }
        })
    }

    /// As access would judge it: who is no operator may not.
    fn cancel<'a>(&'a self, context: &'a OpContext, run: RunId, why: String) -> Judging<'a> {
        Box::pin(async move {
            let principal = context.principal();
            if !dvt_policy::holds(&principal.roles, Role::Operator) {
                return Err(Problem { code: Code::AuthzDenied, message: "not yours".to_owned() });
            }
            let grant = Grant {
                context: context.clone(),
                action: Action::RunCancel,
                resource: ResourceRef { resource_type: "run".to_owned(), id: run.to_string() },
                decision_id: DecisionId::from_random(random()),
                policy_decision_id: DecisionId::from_random(random()),
            };
            let draft =
                Draft { operation: Operation::Cancel, justification_text: why, approval_ticket_id: None };
            let record = draft
                .complete(Circumstances {
                    decision_id: DecisionId::from_random(random()),
                    actor_id: principal.id,
                    actor_role: Role::Operator,
                    scope: context.scope().ids(),
                    resource: grant.resource.clone(),
                    timestamp: Timestamp::from_ms(1_771_200_000_000),
                    policy_decision_id: grant.policy_decision_id,
                    solo_owner: true,
                })
                .unwrap();
            Ok((grant, record))
        })
    }

    fn seal(&self, grant: &Grant, command: &[u8]) -> Result<String, Problem> {
        let ticket = DecisionId::from_random(random()).key();
        self.grants.lock().unwrap().insert(ticket.clone(), (grant.clone(), Digest::of(command)));
        Ok(ticket)
    }
}
