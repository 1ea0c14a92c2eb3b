//! A store with a tenant in it, a second tenant, and an operation on them that can be asked again and again.

use crate::backend::Installation;
use dvt_model::code::Code;
use dvt_model::id::RunId;
use dvt_model::scope::{ScopeIds, TenantScope};
use dvt_store::port::operation::{AppendAct, Committed, Rights};
use dvt_store::port::transaction::{Kind, TenantTx};
use dvt_store::{Clock, Error, Refusal, Store};
use dvt_testkit::drafts::{Drafts, clock, ids, member, random, scope};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) type Wait<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What an operation said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A stage's place.
    Stage(Committed),
    /// Anything else, as text.
    Value(String),
    /// Nothing is there: hidden and absent are one.
    Nothing,
}

/// An operation on a store under a scope; asked again it is the very same one.
pub(crate) type Do = Arc<dyn Fn(Store, TenantScope) -> Wait<Result<Answer, Code>> + Send + Sync>;
/// What can be seen of it afterwards.
pub(crate) type Probe = Arc<dyn Fn(Store, TenantScope) -> Wait<String> + Send + Sync>;

pub(crate) fn operation<F, W>(work: F) -> Do
where
    F: Fn(Store, TenantScope) -> W + Send + Sync + 'static,
    W: Future<Output = Result<Answer, Code>> + Send + 'static,
{
    Arc::new(move |store, scope| Box::pin(work(store, scope)))
}

pub(crate) fn probe<F, W>(work: F) -> Probe
where
    F: Fn(Store, TenantScope) -> W + Send + Sync + 'static,
    W: Future<Output = String> + Send + 'static,
{
    Arc::new(move |store, scope| Box::pin(work(store, scope)))
}

/// Stages something and commits it.
pub(crate) fn staged<O, F>(kind: Kind, draft: O, put: F) -> Do
where
    O: Clone + Send + Sync + 'static,
    F: Fn(&mut TenantTx, O) + Copy + Send + Sync + 'static,
{
    operation(move |store, scope| {
        let draft = draft.clone();
        async move {
            let mut tx = store.begin(&scope, kind).map_err(|error| error.code())?;
            put(&mut tx, draft);
            tx.commit().await.map(Answer::Stage).map_err(|refusal| refusal.code())
        }
    })
}

pub(crate) fn code(error: Error) -> Code {
    error.code()
}

pub(crate) fn refused(refusal: Refusal) -> Code {
    refusal.code()
}

/// A store, its tenants, and stages for the first of them.
pub(crate) struct House {
    pub(crate) place: Box<dyn Installation>,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// How far the clock was moved on.
    ahead: Arc<AtomicI64>,
    pub(crate) drafts: Drafts,
    pub(crate) scope: TenantScope,
    /// Another tenant's.
    pub(crate) other: TenantScope,
    /// Another project's and environment's of the first tenant.
    pub(crate) sibling: TenantScope,
}

/// A clock that can be moved on.
fn moved(clock: Clock) -> (Clock, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let by = Arc::clone(&ahead);
    (Arc::new(move || clock().plus_ms(by.load(Ordering::SeqCst).unsigned_abs())), ahead)
}

impl House {
    pub(crate) async fn new(place: Box<dyn Installation>) -> Self {
        let (clock, ahead) = moved(clock());
        let store = place.open(&clock);
        let (mine, others) = (ids(), ids());
        let first = member();
        let rights = Rights::Of { principal: first.principal_id, epoch: 1 };
        let ledger = store.create_tenant(mine, first).await.unwrap();
        store.create_tenant(others, member()).await.unwrap();
        store.claim(mine.tenant_id, 1).await.unwrap();
        store.claim(others.tenant_id, 1).await.unwrap();
        let drafts = Drafts { ids: mine, ledger, clock: Arc::clone(&clock), epoch: 1, rights };
        // The first seal under the tenant's data key reserves rows of it, by a commit of its own: here, and not in a test.
        let mut tx = store.begin(&scope(mine), Kind::Act).unwrap();
        tx.append_act(drafts.act(Some(serde_json::json!({ "why": "warm" }))));
        tx.commit().await.unwrap();
        let sibling = scope(ScopeIds { tenant_id: mine.tenant_id, ..ids() });
        Self { place, store, clock, ahead, drafts, scope: scope(mine), other: scope(others), sibling }
    }

    /// So many days pass. What is due at the next use, new keys among it, is done here and not in a test.
    pub(crate) async fn later(&self, days: i64) {
        self.ahead.fetch_add(days * 24 * 60 * 60 * 1_000, Ordering::SeqCst);
        let mut tx = self.store.begin(&self.scope, Kind::Act).unwrap();
        let act = self.drafts.act(Some(serde_json::json!({ "why": "later" })));
        tx.append_act(AppendAct { rights: Rights::Nobody, ..act });
        tx.commit().await.unwrap();
    }

    /// The same after everything was closed and opened again.
    pub(crate) async fn again(mut self) -> Self {
        self.store.close().await.unwrap();
        self.store = self.place.open(&self.clock);
        self
    }

    /// The same after the database was lost with an answer.
    pub(crate) async fn survived(mut self) -> Self {
        let _meets_a_dark_disk = self.store.close().await;
        self.place = self.place.survive();
        self.store = self.place.open(&self.clock);
        self
    }

    /// A run that has been admitted.
    pub(crate) async fn run(&self) -> RunId {
        let run = RunId::from_random(random());
        let mut tx = self.store.begin(&self.scope, Kind::Engine).unwrap();
        tx.bootstrap_run(self.drafts.bootstrap(run));
        tx.commit().await.unwrap();
        run
    }

    /// How many entries the ledger has.
    pub(crate) async fn size(&self) -> u64 {
        self.store.begin(&self.scope, Kind::Act).unwrap().ledger_size().await.unwrap()
    }

    /// Everything can be sealed: the leaves are there without a gap, and the tree goes on from the one signed before (INV-03).
    pub(crate) async fn verified(&self) {
        self.store.seal(self.scope.tenant()).await.unwrap();
        let tx = self.store.begin(&self.scope, Kind::Act).unwrap();
        assert_eq!(tx.sealed_size().await.unwrap(), tx.ledger_size().await.unwrap());
    }
}
