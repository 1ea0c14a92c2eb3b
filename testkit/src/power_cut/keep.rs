//! What is kept and ended while the writers work: keys are replaced, runs are erased, the clock's ends are swept.
//!
//! Ordered is as good as done: once the order to erase is acknowledged, nobody reads the run again, whatever the power does.

use super::scenario::{Acknowledged, Scenario};
use crate::drafts::{Drafts, block, random};
use dvt_model::id::{DecisionId, RunId};
use dvt_model::run::RunStatus;
use dvt_store::port::operation::{ActDraft, Rights};
use dvt_store::port::transaction::Kind;
use dvt_store::{ROTATED, Store, Target};

/// How often all of it is done.
const TIMES: u32 = 3;

/// Keeps a tenant's data while others write. Each acknowledged act is noted in the scenario.
pub(super) async fn keep(scenario: &Scenario, store: &Store, drafts: &Drafts) -> Result<(), String> {
    for round in 0..TIMES {
        let mut tx = store.begin(&scenario.scope(), Kind::Act).map_err(|error| error.to_string())?;
        tx.rotate_keys(decided(drafts), &ROTATED);
        tx.commit().await.map_err(|error| error.to_string())?;
        scenario.acknowledged().epoch = round + 2;

        let run = RunId::from_random(random());
        let mut bootstrap = drafts.bootstrap(run);
        bootstrap.status = RunStatus::Completed;
        let mut tx = store.begin(&scenario.scope(), Kind::Engine).map_err(|error| error.to_string())?;
        tx.bootstrap_run(bootstrap);
        tx.commit().await.map_err(|error| error.to_string())?;
        let mut tx = store.begin(&scenario.scope(), Kind::Act).map_err(|error| error.to_string())?;
        tx.order_erasure(decided(drafts), DecisionId::from_random(random()), Target::Run(run));
        tx.commit().await.map_err(|error| error.to_string())?;
        scenario.acknowledged().erased.push(run);
        let worked = store.work_off(scenario.ids.tenant_id).await;
        // The writers keep the log busy; it is cut off another time.
        worked.map(drop).or_else(|error| match error.to_string() {
            text if text.contains("write-ahead log") => Ok(()),
            text => Err(text),
        })?;
    }
    Ok(())
}

fn decided(drafts: &Drafts) -> ActDraft {
    ActDraft { block: block(vec![drafts.decision(None)]), rights: Rights::Nobody }
}

/// After the cut: what was ordered can be worked off, what was erased is read by nobody, and no older key is in use.
pub(super) async fn judge(
    scenario: &Scenario,
    acknowledged: &Acknowledged,
    store: &Store,
) -> Result<(), String> {
    let worked = store.work_off(scenario.ids.tenant_id).await;
    worked.map_err(|error| format!("what is owed cannot be worked off: {error}"))?;
    let tx = store.begin(&scenario.scope(), Kind::Act).map_err(|error| error.to_string())?;
    for run in &acknowledged.erased {
        let events = tx.fetch_events(*run, 0, 10).await.map_err(|error| format!("`{run}`: {error}"))?;
        if events.is_empty() || events.iter().any(|event| event.payload.is_some()) {
            return Err(format!("`{run}` was erased and can still be read, or its entries are gone"));
        }
    }
    let ages = tx.key_ages().await.map_err(|error| error.to_string())?;
    if ages.is_empty() || ages.iter().any(|age| age.in_use.epoch < acknowledged.epoch) {
        return Err(format!("keys of number {} were acknowledged; in use are {ages:?}", acknowledged.epoch));
    }
    Ok(())
}
