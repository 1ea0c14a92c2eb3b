//! The sealer: a signed checkpoint within a second of an entry, at the end, and when somebody waits for one.
//!
//! It asks the store to seal, each tenant at most once per [`GATHER`], so that a busy tenant's entries share a checkpoint. The only
//! entries that it appends tell that a degraded mode was entered, and that it was left: a tenant's own in its ledger, and everybody's in
//! each ledger that is written meanwhile, for one that rests does not grow (INV-07). If we crash before a seal, the entries are
//! durable and the next holder seals them.

use crate::entry::{self, Place};
use crate::pressure::{Change, Mode, Pressure};
use crate::standing::Standing;
use crate::{Parts, Problem};
use dvt_model::id::TenantId;
use dvt_model::scope::TenantScope;
use dvt_store::port::operation::{AppendAct, BlockDraft, Rights};
use dvt_store::port::transaction::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

/// How long entries are gathered before they are sealed: with the sealing itself below one second (contract 7.3).
const GATHER: Duration = Duration::from_millis(500);

/// What the sealer is asked.
pub(crate) enum Ask {
    /// There are new entries.
    Soon(TenantScope),
    /// A mode of a tenant was entered or left: that is to be entered.
    Enter(TenantScope, Change),
    /// A mode of the installation was.
    Everywhere(Change),
    /// Seal now and tell the size.
    Now(TenantId, oneshot::Sender<Result<u64, Problem>>),
}

/// Tenants that the sealer knows to have something to seal: it need not be woken for the next entry.
#[derive(Default)]
pub(crate) struct Told(Mutex<BTreeSet<TenantId>>);

impl Told {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<TenantId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is news, after an entry is durable.
    pub(crate) fn is_news(&self, tenant: TenantId) -> bool {
        self.lock().insert(tenant)
    }

    /// Before it is sealed: what becomes durable from here on may be too late for that seal.
    fn forget(&self, tenant: TenantId) {
        self.lock().remove(&tenant);
    }
}

/// Whoever waits for a checkpoint.
type Answer = oneshot::Sender<Result<u64, Problem>>;

/// The sealer's state.
struct Sealer {
    parts: Parts,
    pressure: Arc<Pressure>,
    told: Arc<Told>,
    /// Tenants with entries that are not sealed, each with a scope in which something of it was written.
    dirty: BTreeMap<TenantId, TenantScope>,
    sizes: BTreeMap<TenantId, u64>,
    /// Changes of modes that are not entered yet.
    to_enter: Vec<(TenantScope, Change)>,
    /// Tenants that were written, each with a scope in which that was.
    written: BTreeMap<TenantId, TenantScope>,
    /// Modes of the installation that hold, each with the ledgers that tell of it.
    everywhere: BTreeMap<Mode, BTreeMap<TenantId, TenantScope>>,
    standing: Standing,
    /// When what is dirty is sealed.
    due: Option<Instant>,
    /// What is done just now, for each tenant at most one thing: its file may be slow, and no other tenant waits for it.
    at_work: JoinSet<Done>,
    busy: BTreeSet<TenantId>,
    /// Who asked for a checkpoint of a tenant that is busy, whose present one may be made before what they mean.
    waiting: BTreeMap<TenantId, Vec<Answer>>,
}

/// What was to be done of a tenant.
struct Work {
    tenant: TenantId,
    scope: Option<TenantScope>,
    enter: Vec<(TenantScope, Change)>,
    answers: Vec<Answer>,
}

/// What came of it.
struct Done {
    work: Work,
    sealed: Result<Option<u64>, Problem>,
    /// A scope in which a change was entered.
    entered: Option<TenantScope>,
}

/// Serves until every sender is gone, then seals what is left.
pub(crate) async fn serve(
    parts: Parts,
    (pressure, told): (Arc<Pressure>, Arc<Told>),
    standing: Standing,
    mut asks: mpsc::UnboundedReceiver<Ask>,
) {
    let mut sealer = Sealer {
        parts,
        pressure,
        told,
        dirty: BTreeMap::new(),
        sizes: BTreeMap::new(),
        to_enter: Vec::new(),
        written: BTreeMap::new(),
        everywhere: BTreeMap::new(),
        standing,
        due: None,
        at_work: JoinSet::new(),
        busy: BTreeSet::new(),
        waiting: BTreeMap::new(),
    };
    loop {
        let due = sealer.due;
        let wake = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ask = asks.recv() => match ask {
                Some(Ask::Soon(scope)) => sealer.soon(scope),
                Some(Ask::Enter(scope, change)) => sealer.change(scope, change),
                Some(Ask::Everywhere(change)) => sealer.change_everywhere(change),
                Some(Ask::Now(tenant, answer)) => sealer.seal_now(tenant, vec![answer]),
                None => break,
            },
            Some(done) = sealer.at_work.join_next() => sealer.done(done),
            () = wake => sealer.begin_all(),
        }
    }
    // What fails here is sealed by `Store::close` or by the next holder.
    while let Some(done) = sealer.at_work.join_next().await {
        sealer.done(done);
    }
    sealer.begin_all();
    while let Some(done) = sealer.at_work.join_next().await {
        sealer.done(done);
    }
}

impl Sealer {
    fn soon(&mut self, scope: TenantScope) {
        self.pressure.wrote(scope.tenant(), (self.parts.clock)());
        self.dirty.entry(scope.tenant()).or_insert(scope);
        if self.written.insert(scope.tenant(), scope).is_none() {
            for (mode, told) in &mut self.everywhere {
                told.insert(scope.tenant(), scope);
                self.to_enter.push((scope, Change { mode: *mode, entered: true }));
            }
        }
        self.gather();
    }

    fn change(&mut self, scope: TenantScope, change: Change) {
        self.standing.apply(Some(scope.tenant()), change, (self.parts.clock)());
        self.to_enter.push((scope, change));
        self.gather();
    }

    /// Every ledger that was written, or told of the beginning, tells of it.
    fn change_everywhere(&mut self, change: Change) {
        self.standing.apply(None, change, (self.parts.clock)());
        let told = if change.entered {
            self.everywhere.entry(change.mode).or_insert_with(|| self.written.clone()).clone()
        } else {
            self.everywhere.remove(&change.mode).unwrap_or_default()
        };
        self.to_enter.extend(told.into_values().map(|scope| (scope, change)));
        self.gather();
    }

    fn gather(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
    }

    /// Begins whatever is to be done of tenants of which nothing is under way. What is left is looked at again.
    fn begin_all(&mut self) {
        self.due = None;
        let to_enter = self.to_enter.iter().map(|(scope, _)| scope.tenant());
        let tenants: BTreeSet<TenantId> = self.dirty.keys().copied().chain(to_enter).collect();
        for tenant in tenants {
            if self.busy.contains(&tenant) {
                self.gather();
            } else {
                self.begin(tenant, Vec::new());
            }
        }
    }

    fn seal_now(&mut self, tenant: TenantId, answers: Vec<Answer>) {
        if self.busy.contains(&tenant) {
            self.waiting.entry(tenant).or_default().extend(answers);
        } else {
            self.begin(tenant, answers);
        }
    }

    fn begin(&mut self, tenant: TenantId, answers: Vec<Answer>) {
        self.told.forget(tenant);
        self.busy.insert(tenant);
        let scope = self.dirty.remove(&tenant);
        let enter = self.to_enter.extract_if(.., |(scope, _)| scope.tenant() == tenant).collect();
        let (parts, work) = (self.parts.clone(), Work { tenant, scope, enter, answers });
        self.at_work.spawn(do_all(parts, work));
    }

    /// Takes what came of it.
    fn done(&mut self, done: Result<Done, JoinError>) {
        // A task that panicked left its tenant as it was; the panic is told by the runtime.
        let Ok(Done { work: Work { tenant, scope, enter, answers }, sealed, entered }) = done else { return };
        self.busy.remove(&tenant);
        let change = match &sealed {
            Ok(_) => self.pressure.sealed(tenant),
            Err(_) => self.pressure.not_sealed(tenant, (self.parts.clock)()),
        };
        if let Ok(Some(size)) = sealed {
            self.sizes.insert(tenant, size);
        }
        if let Some(scope) = scope {
            if sealed.is_err() {
                // What could not be sealed stays durable, and is tried again.
                self.dirty.entry(tenant).or_insert(scope);
                self.gather();
            }
            if let Some(change) = change {
                self.change(scope, change);
            }
        }
        if !enter.is_empty() {
            // The ledger takes nothing just now; it is told of afterwards.
            self.to_enter.extend(enter);
            self.gather();
        }
        if let Some(scope) = entered {
            self.soon(scope);
        }
        let size = sealed.map(|_| self.sizes.get(&tenant).copied().unwrap_or_default());
        for answer in answers {
            // Whoever asked may have gone.
            drop(answer.send(size.clone()));
        }
        if let Some(waiting) = self.waiting.remove(&tenant) {
            self.begin(tenant, waiting);
        }
    }
}

/// Seals a tenant, and enters what is to be entered; what could not be stays in the work.
async fn do_all(parts: Parts, mut work: Work) -> Done {
    let sealed = parts.store.seal(work.tenant).await.map_err(Problem::from);
    let sealed = sealed.map(|checkpoint| checkpoint.map(|checkpoint| checkpoint.size));
    let (mut left, mut entered) = (Vec::new(), None);
    for (scope, change) in std::mem::take(&mut work.enter) {
        match enter(&parts, &scope, change).await {
            Ok(()) => entered = Some(scope),
            Err(_) => left.push((scope, change)),
        }
    }
    work.enter = left;
    Done { work, sealed, entered }
}

/// Enters that a mode was entered, or left.
async fn enter(parts: &Parts, scope: &TenantScope, change: Change) -> Result<(), Problem> {
    let mut transaction = parts.store.begin(scope, Kind::Act)?;
    let place = Place { ledger: transaction.ledger(), scope: scope.ids(), now: (parts.clock)(), run: None };
    let block = BlockDraft::of(vec![entry::of_mode(place, change)]);
    transaction.append_act(AppendAct { block, reads: false, rights: Rights::Nobody });
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_news_once_until_its_tenant_is_sealed() {
        let told = Told::default();
        let (one, other) = (TenantId::from_random([1; 16]), TenantId::from_random([2; 16]));
        assert!(told.is_news(one) && told.is_news(other));
        assert!(!told.is_news(one));
        told.forget(one);
        assert!(told.is_news(one), "what comes while it is sealed may be too late for that seal");
        assert!(!told.is_news(other));
    }
}
