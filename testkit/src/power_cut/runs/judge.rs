//! What must be there after a cut, and what must not have happened by the end.

use super::life::{Life, WITNESS};
use super::plans::Plan;
use super::text;
use super::told::Told;
use crate::drafts;
use crate::house::{self, Ground};
use dvt_model::id::{PlanName, RunId};
use dvt_model::run::{EventName, RunStatus};
use dvt_model::scope::Minter;
use dvt_store::Store;
use dvt_store::port::operation::StoredEvent;
use dvt_store::port::transaction::{Kind, TenantTx};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A page of events, and of runs.
const PAGE: u32 = 500;

/// Looks for everything that was told before the cut; gives it back with what the ledger calls done by now.
pub(super) async fn found_again(store: &Store, folder: &Path, mut told: Told) -> Result<Told, String> {
    let is_there = store.tenants().map_err(text)?.contains(&told.ids.tenant_id);
    if !is_there {
        return if told.tenant { Err("lost: the tenant".to_owned()) } else { Ok(told) };
    }
    let transaction = store.begin(&drafts::scope(told.ids), Kind::Act).map_err(text)?;
    let mut found = 0;
    for heard in &told.runs {
        let Some(run) = heard.run else { continue };
        let row = transaction.run(run).await.map_err(text)?.ok_or("lost: an acknowledged run")?;
        let events = events(&transaction, run).await?;
        let ids = events.iter().filter_map(|event| event.envelope.run.as_ref()).map(|part| part.event_id);
        let same = ids.zip(&heard.events).take_while(|(there, told)| there == *told).count();
        if same < heard.events.len() {
            return Err(format!("lost: event {} of `{run}`, of which somebody was told", same + 1));
        }
        if heard.status.is_some_and(|status| status.is_terminal() && status != row.status) {
            return Err(format!("lost: the end of `{run}`: it is {}", row.status));
        }
        // What an event said may lie in a blob; one that is gone reads like one that was erased, and nobody erases here.
        if let Some(at) = events.iter().position(|event| event.payload.is_none()) {
            return Err(format!("lost: what event {} of `{run}` said", at + 1));
        }
        found += 1 + heard.events.len() as u64;
    }
    for decision in &told.decisions {
        if !transaction.decision_recorded(*decision).await.map_err(text)? {
            return Err(format!("lost: an act that was accepted (`{decision}`)"));
        }
        found += 1;
    }
    if let Some(version) = &told.published {
        let name = PlanName::parse("below").map_err(text)?;
        let id = transaction.plan_id(&name).await.map_err(text)?.ok_or("lost: a published plan")?;
        let known = transaction.plan_version(id, version).await.map_err(text)?;
        known.filter(|known| known.is_kept).ok_or("lost: the version of a published plan")?;
        found += 1;
    }
    told.found_again += found;
    let witnessed = std::fs::metadata(folder.join(WITNESS)).map_err(text)?.len();
    for (run, events) in all(&transaction).await? {
        for work in events.iter().filter_map(|event| ended(run, event)) {
            told.settled.entry(work).or_insert(witnessed);
        }
    }
    Ok(told)
}

/// What a run's ledger calls done: `run step attempt`.
fn ended(run: RunId, event: &StoredEvent) -> Option<String> {
    let name = event.envelope.event_name.as_deref().and_then(EventName::parse)?;
    let ends = matches!(name, EventName::StepCompleted | EventName::StepFailed);
    let (step, part) = (event.envelope.step_id.as_ref()?, event.envelope.run.as_ref()?);
    ends.then(|| format!("{run} {step} {}", part.logical_attempt_id))
}

async fn events(transaction: &TenantTx, run: RunId) -> Result<Vec<StoredEvent>, String> {
    let mut all: Vec<StoredEvent> = Vec::new();
    loop {
        let page = transaction.fetch_events(run, all.len() as u64, PAGE).await.map_err(text)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn all(transaction: &TenantTx) -> Result<BTreeMap<RunId, Vec<StoredEvent>>, String> {
    let mut all = BTreeMap::new();
    for row in transaction.list_runs(PAGE, None).await.map_err(text)?.rows {
        let run = row.metadata.run_id;
        all.insert(run, events(transaction, run).await?);
    }
    Ok(all)
}

/// What a history shows at its end.
pub(super) struct Whole {
    pub(super) entries: u64,
    pub(super) given_again: u64,
}

/// Judges a run that came to its end: how it ended, its ledger, and what the hands bore witness of.
pub(super) fn whole(folder: &Path, plan: &Plan, told: &Told) -> Result<Whole, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let entries = runtime.map_err(text)?.block_on(ledger(folder, plan, told))?;
    let witness = std::fs::read_to_string(folder.join(WITNESS)).map_err(text)?;
    let given_again = work(&witness, plan.work, &told.settled)?;
    Ok(Whole { entries, given_again })
}

async fn ledger(folder: &Path, plan: &Plan, told: &Told) -> Result<u64, String> {
    let mut number = 0;
    while Life::data(folder, number + 1).exists() {
        number += 1;
    }
    let key = folder.join("key").join("root");
    let ground = Ground { data: Life::data(folder, number), key, vfs: None, ids: told.ids };
    let store = house::store(&ground, &house::clock(), &Arc::new(Minter::behind_the_test_seam()))?;
    let judged = look(&store, folder, plan, told).await;
    let closed = store.close().await.map_err(text);
    judged.and_then(|entries| closed.map(|()| entries))
}

async fn look(store: &Store, folder: &Path, plan: &Plan, told: &Told) -> Result<u64, String> {
    found_again(store, folder, told.clone()).await?;
    let [first, second] = &told.runs;
    for (heard, end, is_due) in [(first, plan.end, true), (second, RunStatus::Completed, plan.again)] {
        if is_due && heard.status != Some(end) {
            return Err(format!("stuck: the run is {:?} instead of {end}", heard.status));
        }
    }
    // Every entry with its MAC, no key of a run twice, no gap; every page of the file.
    let checked = store.check(told.ids.tenant_id, &Arc::default()).await.map_err(text)?;
    if !checked.is_whole() {
        let finding = checked.ledger.findings.first().map(|finding| finding.detail.clone());
        return Err(format!("not whole: {:?} {finding:?}", checked.faults));
    }
    let transaction = store.begin(&drafts::scope(told.ids), Kind::Act).map_err(text)?;
    for (run, events) in all(&transaction).await? {
        let parts: Vec<_> = events.iter().filter_map(|event| event.envelope.run.as_ref()).collect();
        let keys: BTreeSet<&str> = parts.iter().map(|part| part.idempotency_key.as_str()).collect();
        if keys.len() != events.len() {
            return Err(format!("doubled: `{run}` holds a key twice"));
        }
        let terminal = transaction.run(run).await.map_err(text)?.is_some_and(|row| row.status.is_terminal());
        if !terminal {
            return Err(format!("stuck: `{run}` is still open"));
        }
    }
    Ok(checked.ledger.entries_checked)
}

/// Judges what the hands were given: each piece of work under one token, and never after the ledger called it done.
fn work(witness: &str, expected: &[&str], settled: &BTreeMap<String, u64>) -> Result<u64, String> {
    let mut tokens: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut at, mut again) = (0, 0);
    for line in witness.lines() {
        let (work, token) = line.rsplit_once(' ').ok_or_else(|| format!("a torn line `{line}`"))?;
        if settled.get(work).is_some_and(|since| at >= *since) {
            return Err(format!("doubled: `{work}` was done before the cut and was given out again"));
        }
        match tokens.insert(work, token) {
            Some(before) if before != token => return Err(format!("another token of `{work}`")),
            Some(_) => again += 1,
            None => {}
        }
        at += line.len() as u64 + 1;
    }
    let mut given: Vec<String> = tokens.keys().filter_map(|work| name(work)).collect();
    given.sort();
    let must = expected.iter().filter(|word| !word.ends_with('?')).map(|word| (*word).to_owned());
    let mut must: Vec<String> = must.collect();
    must.sort();
    given.retain(|word| !expected.contains(&format!("{word}?").as_str()));
    if given == must { Ok(again) } else { Err(format!("the work was {given:?} instead of {must:?}")) }
}

/// `step` or `step#attempt`.
fn name(work: &str) -> Option<String> {
    let mut words = work.split(' ').skip(1);
    let (step, attempt) = (words.next()?, words.next()?);
    Some(if attempt == "1" { step.to_owned() } else { format!("{step}#{attempt}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The control of the judge: each lie is noticed.
    #[test]
    fn each_lie_is_noticed() {
        let honest = "run_1 a 1 t1\nrun_1 b 1 t2\nrun_1 b 1 t2\n";
        let settled = BTreeMap::from([("run_1 a 1".to_owned(), 12)]);
        assert_eq!(work(honest, &["a", "b", "c?"], &settled), Ok(1));
        for (lie, expected) in [
            ("run_1 a 1 t1\nrun_1 b 1 t2\nrun_1 a 1 t1\n", "doubled"),
            ("run_1 a 1 t1\nrun_1 b 1 t2\nrun_1 b 1 t3\n", "another token"),
            ("run_1 a 1 t1\n", "the work was"),
            ("run_1 a 1 t1\nrun_1 b 1 t2\nrun_1 b 2 t3\n", "the work was"),
        ] {
            let verdict = work(lie, &["a", "b"], &settled);
            assert!(verdict.as_ref().is_err_and(|error| error.contains(expected)), "{expected}: {verdict:?}");
        }
    }
}
