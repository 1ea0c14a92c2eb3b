//! The bench of the engine: an installation with real access, store, engine and worker, and loads on it.
//!
//! It judges nothing by time. Whatever is a rate stands beside a raw limit that was measured in the same run.

pub mod echo;
pub mod load;
pub mod plans;
pub mod programs;

use crate::drafts;
use crate::power_cut::watch;
use dvt_access::embedded::Embedded;
use dvt_engine::Parts;
use dvt_engine::client::{Client, StartRequest};
use dvt_keys::RootKey;
use dvt_model::action::Role;
use dvt_model::context::OpContext;
use dvt_model::id::{PlanId, PrincipalId, RequestId, RunId, RunRequestId};
use dvt_model::proof::{Authorized, PlanCreate, RunStart};
use dvt_model::resource::{Plan, Project};
use dvt_model::run::RunStatus;
use dvt_model::scope::Minter;
use dvt_model::time::Timestamp;
use dvt_plan::diagnostic::Source;
use dvt_store::port::operation::Member;
use dvt_store::{Clock, Options, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// An installation with one tenant, whose member is this user.
pub struct House {
    access: Arc<Embedded>,
    context: OpContext,
    /// What an engine is made of.
    pub parts: Parts,
}

/// A checked plan as every start of it brings it.
#[derive(Clone)]
pub struct Ready(StartRequest);

impl House {
    /// A fresh one in `folder`; `worker` is the program that becomes the worker.
    pub async fn new(folder: &Path, worker: PathBuf) -> Result<Self, String> {
        let clock: Clock = Arc::new(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            Timestamp::from_ms(i64::try_from(now).unwrap_or(i64::MAX))
        });
        let minter = Arc::new(Minter::behind_the_test_seam());
        let root = RootKey::create(&folder.join("key").join("root")).map_err(text)?;
        let options = Options {
            folder: folder.join("data"),
            vfs: Some(watch::NAME.to_owned()),
            clock: Arc::clone(&clock),
            minter: Arc::clone(&minter),
        };
        let store = Store::open(options, root).map_err(text)?;
        let ids = drafts::ids();
        let member = Member {
            principal_id: PrincipalId::from_random(drafts::random()),
            name: "ada".to_owned(),
            os_uid: rustix::process::geteuid().as_raw(),
            roles: vec![Role::TenantAdmin],
        };
        store.create_tenant(ids, member).await.map_err(text)?;
        let access = Arc::new(Embedded::new(store.clone(), minter, Arc::clone(&clock)));
        let context =
            access.authenticate(ids, RequestId::from_random(drafts::random())).await.map_err(text)?;
        let door = Arc::clone(&access) as Arc<dyn dvt_engine::Door>;
        let parts = Parts { store, folder: folder.join("data"), worker, clock, door };
        Ok(Self { access, context, parts })
    }

    /// The engine of this house.
    pub async fn attach(&self) -> Result<Client, String> {
        dvt_engine::attach(self.parts.clone()).await.map_err(text)
    }

    /// Checks a plan.
    pub fn ready(&self, plan: &str) -> Result<Ready, String> {
        let outcome = dvt_plan::check(&Source { name: "plan.yaml".to_owned(), text: plan.to_owned() });
        let checked = outcome.checked.ok_or_else(|| format!("{:?}", outcome.diagnostics))?;
        let hex = checked.digest().hex();
        Ok(Ready(StartRequest {
            plan_version: format!("0.0.0-dev.d{}", hex.get(..12).unwrap_or(&hex)),
            plan_document: checked.canonical,
            plan_id: PlanId::from_random(drafts::random()),
            inputs: [].into(),
            run_request_id: RunRequestId::parse("bench").map_err(text)?,
            files_digest: None,
            host_allowed: true,
            detached: false,
            selection: None,
        }))
    }

    /// Starts a run as `dvt run` does: two proofs, and the answer once it is durable.
    pub async fn start(&self, client: &Client, ready: &Ready) -> Result<RunId, String> {
        let publish: Authorized<Project, PlanCreate> =
            self.access.project(&self.context, "bench").await.map_err(text)?;
        let start: Authorized<Plan, RunStart> =
            self.access.plan(&self.context, ready.0.plan_id, "bench").await.map_err(text)?;
        let mut request = ready.0.clone();
        request.run_request_id =
            RunRequestId::parse(&RequestId::from_random(drafts::random()).key()).map_err(text)?;
        Ok(client.start_run(&publish, &start, request).await.map_err(text)?.run_id)
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

/// A field of `/proc/self/status` in bytes: `VmHWM`, `VmRSS`.
pub fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn text(error: impl ToString) -> String {
    error.to_string()
}
