//! The keeper: every minute it works off what each tenant owes: ordered erasures, ended data, keys that were replaced.
//!
//! It decides nothing and refuses nothing; the store finds what is due from its rows. A minute that fails is made up for by the
//! next, and one that is cut off by the end of the engine leaves nothing half done.

use crate::engine::told_to_stop;
use dvt_store::Store;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// A short command is over before it.
const FIRST: Duration = Duration::from_secs(2);
/// What was ordered, or became due, is done within a minute.
const EVERY: Duration = Duration::from_secs(60);

/// Serves until the engine is told to end.
pub(crate) async fn serve(store: Store, mut stop: watch::Receiver<bool>) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = told_to_stop(&mut stop) => return,
            () = sleep(wait) => {}
        }
        wait = EVERY;
        let Ok(tenants) = store.tenants() else { continue };
        for tenant in tenants {
            if *stop.borrow() {
                return;
            }
            // What failed is due again in a minute.
            drop(store.work_off(tenant).await);
        }
    }
}
