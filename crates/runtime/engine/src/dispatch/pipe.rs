//! The pipes between worker and runs, one for each tenant: logs are kept before the report that follows them is heard.
//!
//! A tenant whose store is slow fills its own pipe, and nobody else's words wait behind its logs: whoever puts something in never waits.
//! What lies in a pipe is bounded all the same: each step has so many log messages on its way at most, and a tenant whose pipe is full
//! gets no slots until half of it is dealt with. What comes while nothing of its tenant is on its way does not go through a pipe, for
//! that would wake its task to hand on a word.
// INVARIANT(INV-29): a report that waits here holds no slot; what goes with it is seen when it is told.

use super::desk::{Desk, Unserved};
use super::{Order, Told};
use crate::run::{Hot, Message};
use dvt_model::attempt::LogicalAttemptId;
use dvt_model::id::{RunId, StepId, TenantId};
use dvt_model::scope::TenantScope;
use dvt_store::Store;
use dvt_store::port::operation::{LogChunk, Protection};
use dvt_store::port::transaction::Kind;
use dvt_worker::protocol::Key;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// With so much in it a pipe is full.
pub(super) const ROOM: usize = 1_024;

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
        /// Whose worker gets room for more when it is dealt with, and for how many messages.
        makes_room: Option<(Key, u32)>,
    },
    /// What a run is told: its attempts are gone, or the worker is.
    Word(Hot, Message),
    /// The end of an attempt.
    Report(Told),
}

/// What becomes of something that was put in.
pub(super) enum Put {
    /// It is on its way, or told.
    Gone,
    /// It is on its way, and the tenant's pipe is full from now on until [`Order::Drained`] says otherwise.
    Filled(TenantId),
    /// A report behind nothing is to be told now.
    Tell(Told),
}

/// The end at which things go in; the floor alone has it.
pub(super) struct Pipe {
    ways: Mutex<BTreeMap<TenantId, Way>>,
    new: mpsc::UnboundedSender<Outflow>,
}

/// A tenant's pipe.
#[derive(Clone)]
struct Way {
    items: mpsc::UnboundedSender<Item>,
    level: Arc<Mutex<Level>>,
}

/// How much is in it.
#[derive(Default)]
struct Level {
    /// Items that went in and are not dealt with.
    under_way: usize,
    is_full: bool,
}

impl Level {
    /// Whether it is full from now on.
    fn rises(&mut self) -> bool {
        self.under_way += 1;
        let fills = self.under_way >= ROOM && !self.is_full;
        self.is_full |= fills;
        fills
    }

    /// Whether it is full no more.
    fn falls(&mut self) -> bool {
        self.under_way = self.under_way.saturating_sub(1);
        self.under_way <= ROOM / 2 && std::mem::take(&mut self.is_full)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where it comes out.
struct Outflow {
    tenant: TenantId,
    items: mpsc::UnboundedReceiver<Item>,
    level: Arc<Mutex<Level>>,
}

/// The end at which they come out.
pub(super) struct Outlet(mpsc::UnboundedReceiver<Outflow>);

/// Pipes for whoever comes.
pub(super) fn pipe() -> (Pipe, Outlet) {
    let (new, outflows) = mpsc::unbounded_channel();
    (Pipe { ways: Mutex::default(), new }, Outlet(outflows))
}

impl Pipe {
    /// Puts something behind what is on its way of the same tenant; a word behind nothing is told at once.
    pub(super) fn put(&self, item: Item) -> Put {
        let tenant = match &item {
            Item::Log { scope, .. } => scope.tenant(),
            Item::Word(hot, _) => hot.tenant(),
            Item::Report(told) => told.hot.tenant(),
        };
        let way = lock(&self.ways).get(&tenant).cloned();
        // Only this end adds to it, so nothing comes in between.
        let is_free = way.as_ref().is_none_or(|way| lock(&way.level).under_way == 0);
        match item {
            Item::Word(hot, message) if is_free => tell(&hot, message),
            Item::Report(told) if is_free => return Put::Tell(told),
            item => {
                let way = way.unwrap_or_else(|| self.lay(tenant));
                let fills = lock(&way.level).rises();
                // The outlet is there for as long as this end.
                drop(way.items.send(item));
                if fills {
                    dvt_telemetry::waits_for_room();
                    return Put::Filled(tenant);
                }
            }
        }
        Put::Gone
    }

    /// A tenant's first.
    fn lay(&self, tenant: TenantId) -> Way {
        let (put, items) = mpsc::unbounded_channel();
        let level = Arc::default();
        // Gone only with the engine.
        drop(self.new.send(Outflow { tenant, items, level: Arc::clone(&level) }));
        let way = Way { items: put, level };
        lock(&self.ways).insert(tenant, way.clone());
        way
    }
}

impl Outlet {
    /// Serves until the other end is closed, and what is on its way is dealt with.
    pub(super) async fn serve(mut self, store: Store, desk: Weak<Desk>) {
        let mut serving = JoinSet::new();
        while let Some(outflow) = self.0.recv().await {
            serving.spawn(outflow.serve(store.clone(), Weak::clone(&desk)));
        }
        while serving.join_next().await.is_some() {}
    }
}

impl Outflow {
    async fn serve(mut self, store: Store, desk: Weak<Desk>) {
        while let Some(item) = self.items.recv().await {
            let first = match item {
                Item::Log { scope, under, run, step, attempt, chunk, makes_room } => {
                    // A log is no fact of the ledger (contract 6.7): what cannot be kept is lost, and the step goes on.
                    if let Ok(transaction) = store.begin(&scope, Kind::Engine) {
                        let key = (run, &step, attempt.0);
                        drop(transaction.append_log_under(&under, key, chunk).await);
                    }
                    makes_room.map(|(key, messages)| Order::Kept(key, messages))
                }
                Item::Word(hot, message) => {
                    tell(&hot, message);
                    None
                }
                Item::Report(told) => Some(Order::Tell(Box::new(told))),
            };
            let drained = lock(&self.level).falls().then_some(Order::Drained(self.tenant));
            order(&desk, [first, drained].into_iter().flatten().collect()).await;
        }
    }
}

/// Has the floor do this, in its order. Where there is none any more the engine ends.
async fn order(desk: &Weak<Desk>, orders: Vec<Order>) {
    let Some(desk) = desk.upgrade().filter(|_| !orders.is_empty()) else { return };
    let unserved = Unserved::at(desk);
    orders.into_iter().for_each(|order| unserved.lay(order));
    unserved.serve().await;
}

/// A run that has left memory is told nothing: who takes it up again folds it.
fn tell(hot: &Hot, message: Message) {
    drop(hot.send(message));
}
