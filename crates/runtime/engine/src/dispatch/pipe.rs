//! The pipes between worker and runs, one for each tenant: logs are kept before the report that follows them is heard.
//!
//! A tenant whose store is slow fills its own pipe, and nobody else's words wait behind its logs. Each is bounded: where one is full
//! the link is read no more, and the worker slows down. What comes while nothing of its tenant is on its way does not go through a
//! pipe, for that would wake its task to hand on a word.

use crate::run::{Hot, Message};
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::id::{RunId, StepId, TenantId};
use dvt_model::scope::TenantScope;
use dvt_store::Store;
use dvt_store::port::operation::{LogChunk, Protection};
use dvt_store::port::transaction::Kind;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;

/// How much may lie in a pipe.
const ROOM: usize = 1_024;

/// What flows through it.
pub(super) enum Item {
    /// A piece of a step's log.
    Log {
        scope: TenantScope,
        under: Protection,
        run: RunId,
        step: StepId,
        attempt: LogicalAttemptId,
        chunk: LogChunk,
    },
    /// What a run is told: an attempt has ended, or the worker is gone.
    Word(Hot, Message),
}

/// The end at which things go in; the floor alone has it.
pub(super) struct Pipe {
    ways: Mutex<BTreeMap<TenantId, Way>>,
    new: mpsc::UnboundedSender<Outflow>,
}

/// A tenant's pipe.
#[derive(Clone)]
struct Way {
    items: mpsc::Sender<Item>,
    /// Items that went in and are not dealt with.
    under_way: Arc<AtomicUsize>,
}

/// Where it comes out.
struct Outflow {
    items: mpsc::Receiver<Item>,
    under_way: Arc<AtomicUsize>,
}

/// The end at which they come out.
pub(super) struct Outlet(mpsc::UnboundedReceiver<Outflow>);

/// Pipes for whoever comes.
pub(super) fn pipe() -> (Pipe, Outlet) {
    let (new, outflows) = mpsc::unbounded_channel();
    (Pipe { ways: Mutex::default(), new }, Outlet(outflows))
}

impl Pipe {
    fn ways(&self) -> MutexGuard<'_, BTreeMap<TenantId, Way>> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something behind what is on its way of the same tenant; a word behind nothing is told at once.
    pub(super) async fn put(&self, item: Item) {
        let tenant = match &item {
            Item::Log { scope, .. } => scope.tenant(),
            Item::Word(hot, _) => hot.tenant(),
        };
        let way = self.ways().get(&tenant).cloned();
        // Only this end adds to it, so nothing comes in between.
        let is_free = way.as_ref().is_none_or(|way| way.under_way.load(Ordering::Acquire) == 0);
        match item {
            Item::Word(hot, message) if is_free => tell(&hot, message),
            item => {
                let way = way.unwrap_or_else(|| self.lay(tenant));
                way.under_way.fetch_add(1, Ordering::AcqRel);
                // The outlet is there for as long as this end.
                if let Err(TrySendError::Full(item)) = way.items.try_send(item) {
                    dvt_telemetry::waits_for_room();
                    drop(way.items.send(item).await);
                }
            }
        }
    }

    /// A tenant's first.
    fn lay(&self, tenant: TenantId) -> Way {
        let (put, items) = mpsc::channel(ROOM);
        let under_way = Arc::new(AtomicUsize::new(0));
        // Gone only with the engine.
        drop(self.new.send(Outflow { items, under_way: Arc::clone(&under_way) }));
        let way = Way { items: put, under_way };
        self.ways().insert(tenant, way.clone());
        way
    }
}

impl Outlet {
    /// Serves until the other end is closed, and what is on its way is dealt with.
    pub(super) async fn serve(mut self, store: Store) {
        let mut serving = JoinSet::new();
        while let Some(outflow) = self.0.recv().await {
            serving.spawn(outflow.serve(store.clone()));
        }
        while serving.join_next().await.is_some() {}
    }
}

impl Outflow {
    async fn serve(mut self, store: Store) {
        while let Some(item) = self.items.recv().await {
            match item {
                Item::Log { scope, under, run, step, attempt, chunk } => {
                    // A log is no fact of the ledger (contract 6.7): what cannot be kept is lost, and the step goes on.
                    if let Ok(transaction) = store.begin(&scope, Kind::Engine) {
                        let key = (run, &step, attempt.0);
                        drop(transaction.append_log_under(&under, key, chunk).await);
                    }
                }
                Item::Word(hot, message) => tell(&hot, message),
            }
            self.under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A run that has left memory is told nothing: who takes it up again folds it.
fn tell(hot: &Hot, message: Message) {
    drop(hot.send(message));
}
