//! Two tenants in one installation: ours, and one of another OS user.

use dvt_access::embedded::Embedded;
use dvt_keys::RootKey;
use dvt_keys::entropy::random;
use dvt_model::action::Role;
use dvt_model::context::OpContext;
use dvt_model::id::*;
use dvt_model::scope::{Minter, ScopeIds};
use dvt_model::time::Timestamp;
use dvt_store::port::operation::Member;
use dvt_store::{Clock, Options, Store};
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// 2026-02-16T00:10:00Z: ten minutes into an hour.
const BEGIN_MS: i64 = 1_771_200_600_000;

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) access: Embedded,
    pub(crate) minter: Arc<Minter>,
    pub(crate) clock: Clock,
    pub(crate) now_ms: Arc<AtomicI64>,
    /// Its member is the OS user of this process.
    pub(crate) ours: ScopeIds,
    /// Its member is another OS user.
    pub(crate) theirs: ScopeIds,
}

impl House {
    pub(crate) async fn new(roles: &[Role]) -> Self {
        let mut house = Self::alone(roles).await;
        let uid = rustix::process::geteuid().as_raw();
        house.theirs = tenant(&house.store, uid + 1, &[Role::TenantAdmin]).await;
        house
    }

    /// One tenant more of this OS user.
    pub(crate) async fn another(&self, roles: &[Role]) -> ScopeIds {
        tenant(&self.store, rustix::process::geteuid().as_raw(), roles).await
    }

    /// Without anybody else's tenant: `theirs` is ours.
    pub(crate) async fn alone(roles: &[Role]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(BEGIN_MS));
        let reading = Arc::clone(&now_ms);
        let clock: Clock = Arc::new(move || Timestamp::from_ms(reading.load(Ordering::SeqCst)));
        let minter = Arc::new(Minter::behind_the_test_seam());
        let root = RootKey::create(&folder.path().join("key").join("root")).unwrap();
        let options = Options {
            folder: folder.path().join("data"),
            vfs: None,
            clock: Arc::clone(&clock),
            minter: Arc::clone(&minter),
        };
        let store = Store::open(options, root).unwrap();
        let uid = rustix::process::geteuid().as_raw();
        let ours = tenant(&store, uid, roles).await;
        let theirs = ours;
        let access = Embedded::new(store.clone(), Arc::clone(&minter), Arc::clone(&clock));
        Self { folder, store, access, minter, clock, now_ms, ours, theirs }
    }

    pub(crate) async fn enter(&self) -> OpContext {
        self.access.authenticate(self.ours, RequestId::from_random(random())).await.unwrap()
    }

    pub(crate) fn push(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// (action, decision, resource id) of the AUTH_DECISION entries of our tenant, in order.
    pub(crate) fn decisions(&self) -> Vec<(String, String, String)> {
        self.decisions_of(self.ours.tenant_id)
    }

    pub(crate) fn decisions_of(&self, tenant: TenantId) -> Vec<(String, String, String)> {
        let path: PathBuf = Store::ledger_path(&self.folder.path().join("data"), tenant);
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT action, decision, resource_id FROM ledger_search
                 WHERE event_type = 'AUTH_DECISION' ORDER BY ledger_index",
            )
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

async fn tenant(store: &Store, os_uid: u32, roles: &[Role]) -> ScopeIds {
    let ids = ScopeIds {
        tenant_id: TenantId::from_random(random()),
        project_id: ProjectId::from_random(random()),
        environment_id: EnvironmentId::from_random(random()),
    };
    let member = Member {
        principal_id: PrincipalId::from_random(random()),
        name: "somebody".to_owned(),
        os_uid,
        roles: roles.to_vec(),
    };
    store.create_tenant(ids, member).await.unwrap();
    ids
}
