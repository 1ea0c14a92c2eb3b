//! An installation with one tenant whose member is this user: real access, store and engine, for benches and harnesses.
//!
//! Every proof comes from access, as for a command of the binary. It owns no folder and ends no engine; whoever attaches closes.

use crate::drafts;
use crate::power_cut::watch;
use dvt_access::embedded::Embedded;
use dvt_engine::client::{Again, Client, StartAnswer, StartRequest};
use dvt_engine::{Asked, Parts, PublishAnswer, PublishRequest, Surroundings, TwoPersons};
use dvt_keys::RootKey;
use dvt_model::action::Role;
use dvt_model::canonical;
use dvt_model::context::OpContext;
use dvt_model::decision::Draft;
use dvt_model::deed::Deed;
use dvt_model::id::{DecisionId, PlanId, PlanName, PrincipalId, RequestId, RunId, RunRequestId, SignalId};
use dvt_model::proof::{Authorized, Permits, PlanCreate, RunReadStatus, RunStart, SignalSend};
use dvt_model::resource::{Plan, Project, Run};
use dvt_model::run::RunStatus;
use dvt_model::scope::{Minter, ScopeIds};
use dvt_model::time::Timestamp;
use dvt_plan::{Checked, Outcome};
use dvt_store::port::operation::Member;
use dvt_store::port::transaction::{Kind, TenantTx};
use dvt_store::{Clock, Options, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What stands in the entries as the command that was typed.
const ROUTE: &str = "harness";

/// Where an installation lies, and whose it is.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The data folder.
    pub data: PathBuf,
    /// The key file; it is made where there is none.
    pub key: PathBuf,
    /// The VFS below the store.
    pub vfs: Option<String>,
    /// Its tenant.
    pub ids: ScopeIds,
}

/// An installation with one tenant, whose member is this user.
pub struct House {
    access: Arc<Embedded>,
    context: OpContext,
    /// What an engine is made of.
    pub parts: Parts,
}

/// A checked plan as every start of it brings it, with the documents below it.
#[derive(Clone)]
pub struct Ready {
    request: StartRequest,
    below: Vec<(dvt_model::digest::Digest, Vec<u8>)>,
}

impl Ready {
    /// A plan that was checked, or why it is none.
    pub fn of(outcome: Outcome, plan_id: PlanId) -> Result<Self, String> {
        let checked = outcome.checked.ok_or_else(|| format!("{:?}", outcome.diagnostics))?;
        let hex = checked.digest().hex();
        let development = format!("0.0.0-dev.d{}", hex.get(..12).unwrap_or(&hex));
        let plan_version = checked.plan.version.clone().unwrap_or(development);
        let Checked { canonical, sub_plans, .. } = checked;
        let below = sub_plans.iter().map(|(digest, document)| {
            canonical::to_bytes(document).map(|bytes| (*digest, bytes)).map_err(text)
        });
        Ok(Self {
            below: below.collect::<Result<_, _>>()?,
            request: StartRequest {
                plan_version,
                plan_document: canonical.into_value(),
                plan_id,
                inputs: [].into(),
                run_request_id: RunRequestId::parse("unnamed").map_err(text)?,
                files_digest: None,
                host_allowed: true,
                detached: false,
                selection: None,
            },
        })
    }
}

/// The surroundings of a simulated clock: it is its own measure, so it is never found set.
fn simulated(clock: &Clock) -> Surroundings {
    let clock = Arc::clone(clock);
    let steady = Arc::new(move || Duration::from_millis(u64::try_from(clock().ms()).unwrap_or_default()));
    Surroundings { steady, every: dvt_engine::LOOK_EVERY }
}

/// Opens the store of an installation.
pub fn store(ground: &Ground, clock: &Clock, minter: &Arc<Minter>) -> Result<Store, String> {
    let root = if ground.key.exists() { RootKey::load(&ground.key) } else { RootKey::create(&ground.key) };
    let options = Options {
        folder: ground.data.clone(),
        vfs: ground.vfs.clone(),
        clock: Arc::clone(clock),
        minter: Arc::clone(minter),
    };
    Store::open(options, root.map_err(text)?).map_err(text)
}

/// What the clock on the wall says.
pub fn clock() -> Clock {
    Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Timestamp::from_ms(i64::try_from(now).unwrap_or(i64::MAX))
    })
}

impl House {
    /// A fresh one in `folder`; `worker` is the program that becomes the worker.
    pub async fn new(folder: &Path, worker: PathBuf) -> Result<Self, String> {
        let ground = Ground {
            data: folder.join("data"),
            key: folder.join("key").join("root"),
            vfs: Some(watch::NAME.to_owned()),
            ids: drafts::ids(),
        };
        let (clock, minter) = (clock(), Arc::new(Minter::behind_the_test_seam()));
        let store = store(&ground, &clock, &minter)?;
        Self::of(store, &ground, (clock, minter), worker).await
    }

    /// The installation of an open store; its tenant is made where it is not there.
    pub async fn of(
        store: Store,
        ground: &Ground,
        (clock, minter): (Clock, Arc<Minter>),
        worker: PathBuf,
    ) -> Result<Self, String> {
        let ids = ground.ids;
        if !store.tenants().map_err(text)?.contains(&ids.tenant_id) {
            let member = Member {
                principal_id: PrincipalId::from_random(drafts::random()),
                name: "ada".to_owned(),
                os_uid: rustix::process::geteuid().as_raw(),
                roles: vec![Role::TenantAdmin],
            };
            store.create_tenant(ids, member).await.map_err(text)?;
        }
        let access = Arc::new(Embedded::new(store.clone(), minter, Arc::clone(&clock)));
        let context =
            access.authenticate(ids, RequestId::from_random(drafts::random())).await.map_err(text)?;
        let door = Arc::clone(&access) as Arc<dyn dvt_engine::Door>;
        // A fault that is planted stays until the scenario has seen what comes of it.
        let (idle, patience) = (dvt_engine::IDLE, Duration::from_millis(700));
        let surroundings = simulated(&clock);
        let (folder, two_persons) = (ground.data.clone(), TwoPersons::Required);
        let parts = Parts { store, folder, worker, clock, door, idle, patience, surroundings, two_persons };
        Ok(Self { access, context, parts })
    }

    /// The engine of this house.
    pub async fn attach(&self) -> Result<Client, String> {
        dvt_engine::attach(self.parts.clone()).await.map_err(text)
    }

    /// Checks a plan that names no other.
    pub fn ready(&self, plan: &str) -> Result<Ready, String> {
        let source = dvt_plan::diagnostic::Source { name: "plan.yaml".to_owned(), text: plan.to_owned() };
        Ready::of(dvt_plan::check(&source), PlanId::from_random(drafts::random()))
    }

    /// Starts a run as `dvt run` does: what it needs is there, two proofs, and the answer once it is durable. The same request
    /// id again is the same run.
    pub async fn start_as(
        &self,
        client: &Client,
        ready: &Ready,
        request_id: &str,
    ) -> Result<StartAnswer, String> {
        let publish = self.publishing().await?;
        let mut request = ready.request.clone();
        let transaction = self.parts.store.begin(publish.scope(), Kind::Act).map_err(text)?;
        for (digest, bytes) in &ready.below {
            transaction.put_bundle(*digest, bytes).await.map_err(text)?;
        }
        request.plan_id = known_id(&transaction, &request).await?;
        drop(transaction);
        let start: Authorized<Plan, RunStart> =
            self.access.plan(&self.context, request.plan_id, ROUTE).await.map_err(text)?;
        request.run_request_id = RunRequestId::parse(request_id).map_err(text)?;
        client.start_run(&publish, &start, request).await.map_err(text)
    }

    /// The same under a request id of its own.
    pub async fn start(&self, client: &Client, ready: &Ready) -> Result<RunId, String> {
        let request_id = RequestId::at((self.parts.clock)(), drafts::random()).key();
        Ok(self.start_as(client, ready, &request_id).await?.run_id)
    }

    /// Publishes a plan under the version that it names.
    pub async fn publish(&self, client: &Client, ready: &Ready) -> Result<PublishAnswer, String> {
        let proof = self.publishing().await?;
        let transaction = self.parts.store.begin(proof.scope(), Kind::Act).map_err(text)?;
        let plan_id = known_id(&transaction, &ready.request).await?;
        drop(transaction);
        let plan_document = ready.request.plan_document.clone();
        let request = PublishRequest { plan_document, plan_id, files_digest: None };
        client.publish_plan(&proof, request).await.map_err(text)
    }

    async fn publishing(&self) -> Result<Authorized<Project, PlanCreate>, String> {
        self.access.project(&self.context, ROUTE).await.map_err(text)
    }

    /// A proof about a run.
    pub async fn run_proof<A: Permits>(&self, run: RunId) -> Result<Authorized<Run, A>, String> {
        self.access.run(&self.context, run, ROUTE).await.map_err(text)
    }

    /// Does something to a run as somebody at a terminal does: with a proof, and a record where one is due. Gives the decision
    /// by which it was allowed, and what the engine answered.
    pub async fn act<A: Permits>(
        &self,
        client: &Client,
        run: RunId,
        (deed, signal_id): (&Deed, &str),
    ) -> Result<(DecisionId, Result<RunStatus, dvt_engine::Problem>), String> {
        let proof: Authorized<Run, A> =
            self.access.deed(&self.context, run, deed, ROUTE).await.map_err(text)?;
        let asked = self.asked(&proof, deed, signal_id)?;
        let acted = client.act_on_run(&proof, asked, true).await;
        Ok((proof.decision_id(), acted.map(|acted| acted.status)))
    }

    /// RETRY_RUN: a new run in the place of one that has ended.
    pub async fn run_again(
        &self,
        client: &Client,
        run: RunId,
        (deed, signal_id): (&Deed, &str),
    ) -> Result<StartAnswer, String> {
        let signal: Authorized<Run, SignalSend> =
            self.access.deed(&self.context, run, deed, ROUTE).await.map_err(text)?;
        let transaction = self.parts.store.begin(signal.scope(), Kind::Act).map_err(text)?;
        let row = transaction.run(run).await.map_err(text)?.ok_or("the run is gone")?;
        drop(transaction);
        let start: Authorized<Plan, RunStart> =
            self.access.plan(&self.context, row.metadata.plan.plan_id, ROUTE).await.map_err(text)?;
        let asked = self.asked(&signal, deed, signal_id)?;
        let again = Again { host_allowed: true, detached: false };
        client.retry_run(&start, &signal, asked, again).await.map_err(text)
    }

    fn asked<A: Permits>(
        &self,
        proof: &Authorized<Run, A>,
        deed: &Deed,
        signal_id: &str,
    ) -> Result<Asked, String> {
        let record = deed.operation().map(|operation| {
            let justification_text = "the harness asks for it".to_owned();
            let draft = Draft { operation, justification_text, approval_ticket_id: None };
            self.access.record(proof, draft).map_err(text)
        });
        let signal_id = SignalId::parse(signal_id).map_err(text)?;
        Ok(Asked { deed: deed.clone(), record: record.transpose()?, signal_id })
    }

    /// Lets a client follow a run that it did not start.
    pub async fn follow(&self, client: &Client, run: RunId) -> Result<(), String> {
        client.follow(&self.run_proof::<RunReadStatus>(run).await?).await.map_err(text)
    }

    /// Starts a run and follows it to its end, which must be COMPLETED.
    pub async fn play(&self, client: &Client, ready: &Ready) -> Result<(), String> {
        let run = self.start(client, ready).await?;
        let mut known = 0;
        loop {
            let news = client.progress(run, known).await.map_err(text)?;
            match news.status {
                RunStatus::Completed => return Ok(()),
                other if other.is_terminal() => return Err(format!("`{run}` ended {other}")),
                _ => known = news.last_run_seq,
            }
        }
    }
}

/// A plan keeps the id under which its name is known.
async fn known_id(transaction: &TenantTx, request: &StartRequest) -> Result<PlanId, String> {
    let name = request.plan_document.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
    let name = PlanName::parse(name).map_err(text)?;
    Ok(transaction.plan_id(&name).await.map_err(text)?.unwrap_or(request.plan_id))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
