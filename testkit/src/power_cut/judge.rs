//! After the cut: a new store on what survived must have everything that was acknowledged, once, and prove it.

use super::keep;
use super::scenario::{Acknowledged, Scenario, clock, open};
use dvt_ledger::verify::result::{Status, VerificationResult};
use dvt_ledger::verify::{verify, verify_with_keys};
use dvt_store::Store;
use dvt_store::port::transaction::Kind;
use dvt_store::verify::LedgerFile;
use std::collections::BTreeMap;
use std::path::Path;

/// What was found when nothing was wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Acknowledged stages that were there.
    pub stages: u64,
    /// Entries of the ledger.
    pub entries: u64,
}

/// Judges the folder that holds what survived. An error says what was lost.
pub async fn judge(scenario: &Scenario, folder: &Path, key: &Path) -> Result<Found, String> {
    let clock = clock();
    let acknowledged = std::mem::take(&mut *scenario.acknowledged());
    let store =
        open(folder, key, None, &clock).map_err(|error| format!("the store does not open: {error}"))?;
    let found = inspect(scenario, &acknowledged, folder, &store).await;
    let closed = store.close().await.map_err(|error| format!("the store does not close: {error}"));
    found.and_then(|found| closed.map(|()| found))
}

async fn inspect(
    scenario: &Scenario,
    acknowledged: &Acknowledged,
    folder: &Path,
    store: &Store,
) -> Result<Found, String> {
    let tenant = scenario.ids.tenant_id;
    if !acknowledged.tenant {
        return Ok(Found::default());
    }
    if !store.tenants().map_err(|error| error.to_string())?.contains(&tenant) {
        return Err("the tenant is gone".to_owned());
    }
    repeat_acts(scenario, acknowledged, store).await?;
    runs(scenario, acknowledged, store).await?;
    beside(scenario, acknowledged, store).await?;
    keep::judge(scenario, acknowledged, store).await?;
    store.seal(tenant).await.map_err(|error| format!("it cannot be sealed: {error}"))?;
    let path = Store::ledger_path(folder, tenant);
    let entries = rows(acknowledged, &path)?;
    let keys = store.verifier_keys(tenant).await.map_err(|error| error.to_string())?;
    let file = LedgerFile::open(&path).map_err(|error| error.to_string())?;
    let now = || dvt_model::time::Timestamp::from_ms(0);
    is_valid(&verify(&file, &keys, None, &now), entries)?;
    let mut opened = store.with_keys(tenant).map_err(|error| error.to_string())?;
    is_valid(&verify_with_keys(&file, &keys, None, &mut opened, &now), entries)?;
    Ok(Found { stages: acknowledged.blocks.len() as u64, entries })
}

/// Sends every act again, acknowledged or not: the acknowledged ones are there already, at their place.
async fn repeat_acts(scenario: &Scenario, acknowledged: &Acknowledged, store: &Store) -> Result<(), String> {
    for (act, place) in &acknowledged.acts {
        let mut tx = store.begin(&scenario.scope(), Kind::Act).map_err(|error| error.to_string())?;
        tx.append_act(act.clone());
        let answer = tx.commit().await.map_err(|error| format!("an act cannot be repeated: {error}"))?;
        if place.is_some_and(|place| !answer.already || answer.first_index != place) {
            return Err(format!("an acknowledged act is not at its place: {answer:?} instead of {place:?}"));
        }
    }
    Ok(())
}

/// Every acknowledged event opens, in order.
async fn runs(scenario: &Scenario, acknowledged: &Acknowledged, store: &Store) -> Result<(), String> {
    let mut last = BTreeMap::new();
    for (run, seq) in &acknowledged.runs {
        last.insert(*run, *seq);
    }
    let tx = store.begin(&scenario.scope(), Kind::Act).map_err(|error| error.to_string())?;
    for (run, seq) in last {
        let events = tx.fetch_events(run, 0, 1_000).await.map_err(|error| format!("`{run}`: {error}"))?;
        let row = tx.run(run).await.map_err(|error| error.to_string())?.ok_or("a run is gone")?;
        let there = events.len() as u64;
        if there < seq || row.last_run_seq != there {
            return Err(format!(
                "`{run}`: {there} events, the row says {}, {seq} were acknowledged",
                row.last_run_seq
            ));
        }
        for (number, event) in (1..).zip(&events) {
            let payload = event.payload.as_ref().and_then(|payload| payload.get("seq")?.as_u64());
            if payload != Some(number) {
                return Err(format!("`{run}`: event {number} does not hold its payload"));
            }
        }
    }
    Ok(())
}

/// Acknowledged changes of settings and moves in the queue are there; one that nobody was told of may be.
async fn beside(scenario: &Scenario, acknowledged: &Acknowledged, store: &Store) -> Result<(), String> {
    let tx = store.begin(&scenario.scope(), Kind::Act).map_err(|error| error.to_string())?;
    for (name, version) in &acknowledged.settings {
        let row = tx.setting("draft", name).await.map_err(|error| format!("a setting: {error}"))?;
        let row = row.ok_or("an acknowledged setting is gone")?;
        if !(*version..=*version + 1).contains(&row.version) || row.value.as_u64() != Some(row.version) {
            return Err(format!("a setting of version {version} is {} with {}", row.version, row.value));
        }
    }
    let places = tx.waiting_runs(500).await.map_err(|error| format!("the queue: {error}"))?;
    for (run, version) in &acknowledged.places {
        let place = places.iter().find(|place| place.run_id == *run).ok_or("a place in the queue is gone")?;
        if !(*version..=*version + 1).contains(&place.version) {
            return Err(format!("a place of version {version} is {}", place.version));
        }
    }
    Ok(())
}

/// Blocks at their places, once; indices without a gap; SQLite's own checks. Gives the number of entries.
fn rows(acknowledged: &Acknowledged, path: &Path) -> Result<u64, String> {
    let connection = rusqlite::Connection::open(path).map_err(|error| error.to_string())?;
    let sql = |error: rusqlite::Error| error.to_string();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(sql)?;
    if sound != "ok" {
        return Err(format!("SQLite says: {sound}"));
    }
    let mut statement = connection
        .prepare("SELECT block_id, first_index, count FROM ledger_block ORDER BY first_index")
        .map_err(sql)?;
    let blocks = statement
        .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
        .map_err(sql)?;
    let (mut stored, mut next) = (BTreeMap::new(), 0i64);
    for block in blocks {
        let (id, first, count) = block.map_err(sql)?;
        if first != next {
            return Err(format!("a gap or an overlap at {next}: the next block begins at {first}"));
        }
        next += count;
        if stored.insert(id, (first, count)).is_some() {
            return Err("a block is there twice".to_owned());
        }
    }
    let head: i64 =
        connection.query_row("SELECT next_index FROM ledger_head", [], |row| row.get(0)).map_err(sql)?;
    if head != next {
        return Err(format!("the head says {head}, the blocks end at {next}"));
    }
    for (id, first, count) in &acknowledged.blocks {
        let expected = i64::try_from(*first).ok().zip(i64::try_from(*count).ok());
        if stored.get(id.bytes().as_slice()).copied() != expected {
            return Err(format!("the acknowledged block at {first} is not there"));
        }
    }
    for size in &acknowledged.checkpoints {
        let kept: i64 = connection
            .query_row(
                "SELECT count(*) FROM ledger_checkpoint WHERE size = ?1",
                [i64::try_from(*size).unwrap_or(i64::MAX)],
                |row| row.get(0),
            )
            .map_err(sql)?;
        if kept != 1 {
            return Err(format!("the acknowledged checkpoint of size {size} is not there"));
        }
    }
    u64::try_from(next).map_err(|error| error.to_string())
}

fn is_valid(result: &VerificationResult, entries: u64) -> Result<(), String> {
    if result.status != Status::Valid || result.entries_checked != entries || result.unsealed != 0 {
        let first = result.findings.first().map(|finding| finding.detail.as_str()).unwrap_or_default();
        let (status, checked) = (result.status, result.entries_checked);
        return Err(format!("the ledger is {status:?}: {checked} of {entries} entries checked; {first}"));
    }
    Ok(())
}
