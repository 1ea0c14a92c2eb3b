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
use dvt_store::Store;
use dvt_store::port::operation::{AppendAct, BlockDraft, Rights};
use dvt_store::port::transaction::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
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
    };
    let mut due: Option<Instant> = None;
    loop {
        let wake = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ask = asks.recv() => match ask {
                Some(Ask::Soon(scope)) => {
                    sealer.soon(scope);
                    due.get_or_insert_with(|| Instant::now() + GATHER);
                }
                Some(Ask::Enter(scope, change)) => {
                    sealer.change(scope, change);
                    due.get_or_insert_with(|| Instant::now() + GATHER);
                }
                Some(Ask::Everywhere(change)) => {
                    sealer.change_everywhere(change);
                    due.get_or_insert_with(|| Instant::now() + GATHER);
                }
                Some(Ask::Now(tenant, answer)) => {
                    let result = sealer.seal(tenant).await;
                    // Whoever asked may have gone.
                    drop(answer.send(result));
                }
                None => break,
            },
            () = wake => {
                sealer.seal_all().await;
                // What could not be sealed stays durable, and is tried again.
                let is_done = sealer.dirty.is_empty() && sealer.to_enter.is_empty();
                due = (!is_done).then(|| Instant::now() + GATHER);
            }
        }
    }
    // What fails here is sealed by `Store::close` or by the next holder.
    sealer.seal_all().await;
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
    }

    fn change(&mut self, scope: TenantScope, change: Change) {
        self.standing.apply(Some(scope.tenant()), change, (self.parts.clock)());
        self.to_enter.push((scope, change));
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
    }

    async fn seal_all(&mut self) {
        let tenants: Vec<TenantId> = self.dirty.keys().copied().collect();
        for tenant in tenants {
            // The tenant stays dirty, and whoever asks for a seal is told why it fails.
            drop(self.seal(tenant).await);
        }
        for (scope, change) in std::mem::take(&mut self.to_enter) {
            match enter(&self.parts, &scope, change).await {
                Ok(()) => self.soon(scope),
                // The ledger takes nothing just now; it is told of afterwards.
                Err(_) => self.to_enter.push((scope, change)),
            }
        }
    }

    async fn seal(&mut self, tenant: TenantId) -> Result<u64, Problem> {
        self.told.forget(tenant);
        let sealed = seal(&self.parts.store, tenant, &mut self.sizes).await;
        let change = match &sealed {
            Ok(_) => self.pressure.sealed(tenant),
            Err(_) => self.pressure.not_sealed(tenant, (self.parts.clock)()),
        };
        let scope =
            if sealed.is_ok() { self.dirty.remove(&tenant) } else { self.dirty.get(&tenant).copied() };
        if let Some((scope, change)) = scope.zip(change) {
            self.change(scope, change);
        }
        sealed
    }
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

async fn seal(store: &Store, tenant: TenantId, sizes: &mut BTreeMap<TenantId, u64>) -> Result<u64, Problem> {
    if let Some(checkpoint) = store.seal(tenant).await? {
        sizes.insert(tenant, checkpoint.size);
    }
    Ok(sizes.get(&tenant).copied().unwrap_or_default())
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
