//! The sealer: a signed checkpoint within a second of an entry, at the end, and when somebody waits for one.
//!
//! It appends no entries; it asks the store to seal. It seals each tenant at most once per [`GATHER`], so that a busy
//! tenant's entries share a checkpoint. If we crash before a seal, the entries are durable and the next holder seals them.

use crate::Problem;
use dvt_model::id::TenantId;
use dvt_store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// How long entries are gathered before they are sealed: with the sealing itself below one second (contract 7.3).
const GATHER: Duration = Duration::from_millis(500);

/// What the sealer is asked.
pub(crate) enum Ask {
    /// There are new entries.
    Soon(TenantId),
    /// Seal now and tell the size.
    Now(TenantId, oneshot::Sender<Result<u64, Problem>>),
}

/// Serves until every sender is gone, then seals what is left.
pub(crate) async fn serve(store: Store, mut asks: mpsc::UnboundedReceiver<Ask>) {
    let mut dirty: BTreeSet<TenantId> = BTreeSet::new();
    let mut sizes: BTreeMap<TenantId, u64> = BTreeMap::new();
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
                Some(Ask::Soon(tenant)) => {
                    dirty.insert(tenant);
                    due.get_or_insert_with(|| Instant::now() + GATHER);
                }
                Some(Ask::Now(tenant, answer)) => {
                    let result = seal(&store, tenant, &mut sizes).await;
                    if result.is_ok() {
                        dirty.remove(&tenant);
                    }
                    // Whoever asked may have gone.
                    drop(answer.send(result));
                }
                None => break,
            },
            () = wake => {
                due = None;
                for tenant in std::mem::take(&mut dirty) {
                    if seal(&store, tenant, &mut sizes).await.is_err() {
                        // The entries stay durable and unsealed; the next tick tries again.
                        dirty.insert(tenant);
                        due = Some(Instant::now() + GATHER);
                    }
                }
            }
        }
    }
    for tenant in dirty {
        // What fails here is sealed by `Store::close` or by the next holder.
        drop(seal(&store, tenant, &mut sizes).await);
    }
}

async fn seal(store: &Store, tenant: TenantId, sizes: &mut BTreeMap<TenantId, u64>) -> Result<u64, Problem> {
    if let Some(checkpoint) = store.seal(tenant).await? {
        sizes.insert(tenant, checkpoint.size);
    }
    Ok(sizes.get(&tenant).copied().unwrap_or_default())
}
