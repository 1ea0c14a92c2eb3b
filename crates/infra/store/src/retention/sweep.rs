//! The sweeper (contract 6.6): each kind of data ends when its clock has run out, a few rows at a time, per tenant.
//!
//! Keys end first, with their tombstones; then rows; then files. Each step finds what is due from the rows themselves, so a
//! sweep that was cut short is simply made again. A hold stops every clock of what it covers. Surprising: the row of a
//! run outlives its payloads where plans are kept longer, because the clock of a plan starts at the end of its last run.

use super::{Data, Rule, days, rules};
use crate::commit::change::submit;
use crate::erase::keys::{self, Ending};
use crate::erase::{self, Ends, hold};
use crate::port::error::Error;
use crate::port::transaction::TenantTx;
use crate::read::Reader;
use crate::rotate::DAY_MS;
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::Tenant;
use dvt_model::entry::PayloadClass;
use dvt_model::id::{BlobId, RunId};
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of one batch.
const BATCH: u32 = 100;

/// What ended, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Logs of attempts.
    pub logs: u64,
    /// Keys, and every payload under them.
    pub keys: u64,
    /// Rows of runs, with what hangs on them.
    pub runs: u64,
    /// Documents of plans; their digests stay.
    pub plans: u64,
    /// Packed files.
    pub bundles: u64,
    /// Files that no row names.
    pub files: u64,
    /// Runs that would be due and are held.
    pub held: u64,
}

/// The clocks of one sweep.
struct Clocks {
    now: Timestamp,
    rules: Vec<Rule>,
}

impl Clocks {
    fn of(tenant: &Tenant, lane: &Connection) -> Result<Self, Error> {
        Ok(Self { now: (tenant.clock)(), rules: rules(tenant, lane)? })
    }

    /// As they would be if one kind of data were kept for so many days.
    fn with(mut self, (data, days): (Data, u64)) -> Self {
        self.rules.iter_mut().filter(|rule| rule.data == data).for_each(|rule| rule.days = days);
        self
    }

    /// What began before this has run out.
    fn before(&self, data: Data) -> i64 {
        self.before_days(days(&self.rules, data))
    }

    fn before_days(&self, days: u64) -> i64 {
        self.now.ms().saturating_sub(column::signed(days.saturating_mul(DAY_MS)))
    }

    /// Runs that ended before this have a key that may be due.
    fn earliest(&self) -> i64 {
        let classes = PayloadClass::ALL.iter().map(|class| self.before(Data::of(*class)));
        classes.max().unwrap_or(i64::MIN)
    }

    /// When the rows of runs end.
    fn rows(&self) -> i64 {
        self.before(Data::Run).min(self.before(Data::Plan))
    }

    fn due(&self, ending: &Ending, ended: i64) -> bool {
        ended <= self.before(Data::of(ending.class))
    }
}

/// A run whose clocks may have run out.
#[derive(Clone)]
struct Ended {
    run: RunId,
    at: i64,
}

/// Runs that ended before `until`, behind `after`, oldest first.
fn ended(
    lane: &Connection,
    tenant: &Tenant,
    until: i64,
    after: (i64, [u8; 16]),
) -> Result<Vec<Ended>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT run_id, updated_at FROM run WHERE tenant_id = ?1 AND open = 0 AND updated_at <= ?2
             AND (updated_at, run_id) > (?3, ?4) ORDER BY updated_at, run_id LIMIT ?5",
        )
        .sql()?;
    let rows = statement
        .query_map(params![tenant.id.bytes(), until, after.0, after.1, BATCH], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
        })
        .sql()?;
    rows.map(|row| {
        let (run, at) = row.sql()?;
        Ok(Ended { run: column::id(&run, RunId::from_bytes)?, at })
    })
    .collect()
}

fn after(page: &[Ended]) -> Option<(i64, [u8; 16])> {
    let last = page.last().filter(|_| page.len() == BATCH as usize)?;
    Some((last.at, last.run.bytes()))
}

/// The keys of these runs that are due, and how many runs are held.
fn due_keys(
    tenant: &Tenant,
    lane: &Connection,
    clocks: &Clocks,
    page: &[Ended],
) -> Result<(Vec<Ending>, u64), Error> {
    let (mut endings, mut held) = (Vec::new(), 0);
    for ended in page {
        if hold::stands(lane, tenant.id, Some(ended.run), None).sql()? {
            held += 1;
            continue;
        }
        for ending in keys::of_run(lane, tenant.id, ended.run)? {
            let person = ending.person.as_deref();
            if clocks.due(&ending, ended.at)
                && !(person.is_some() && hold::stands(lane, tenant.id, Some(ended.run), person).sql()?)
            {
                endings.push(ending);
            }
        }
    }
    Ok((endings, held))
}

/// Ends everything whose time is over.
// INVARIANT(INV-23): each kind of data ends by its own clock, in its own tenant.
pub(crate) async fn sweep(tenant: &Arc<Tenant>) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    logs(tenant, &mut swept).await?;
    runs(tenant, &mut swept).await?;
    outliving(tenant, &mut swept).await?;
    plans_and_bundles(tenant, &mut swept).await?;
    let here = Arc::clone(tenant);
    let files = tenant.lanes.run(move |lane| orphans(&here, lane)).await?;
    swept.files = files.len() as u64;
    erase::unlink(tenant, files).await?;
    if swept.keys > 0 {
        erase::truncate(tenant).await?;
    }
    Ok(swept)
}

/// Ends these keys in one transaction with their tombstones.
async fn end(tenant: &Arc<Tenant>, endings: Vec<Ending>) -> Result<(), Error> {
    if endings.is_empty() {
        return Ok(());
    }
    let gone = Arc::new(Mutex::new(Vec::new()));
    let submitted = submit(tenant, || {
        let (endings, gone) = (endings.clone(), Arc::clone(&gone));
        Box::new(move |reader: &Reader, lane: &Connection| {
            // Prepared again, some of them may be gone or held by now.
            let mut still = Vec::new();
            for ending in endings {
                let person = ending.person.as_deref();
                if keys::is_there(lane, reader.tenant.id, &ending)?
                    && !hold::stands(lane, reader.tenant.id, Some(ending.run), person).sql()?
                {
                    still.push(ending);
                }
            }
            if still.is_empty() {
                return Ok(None);
            }
            Ends::draft(reader, lane, still, ("RETENTION", None), &gone).map(Some)
        })
    });
    submitted.await.map_err(Error::of)?;
    tenant.wrote();
    erase::forget(tenant);
    let gone = std::mem::take(&mut *gone.lock().unwrap_or_else(PoisonError::into_inner));
    erase::unlink(tenant, gone).await
}

async fn runs(tenant: &Arc<Tenant>, swept: &mut Swept) -> Result<(), Error> {
    let mut from = Some((i64::MIN, [0; 16]));
    while let Some(behind) = from {
        let here = Arc::clone(tenant);
        let (page, endings, held, rows) = tenant
            .lanes
            .run(move |lane| {
                let clocks = Clocks::of(&here, lane)?;
                let until = clocks.earliest().max(clocks.rows());
                let page = ended(lane, &here, until, behind)?;
                let (endings, held) = due_keys(&here, lane, &clocks, &page)?;
                Ok((page, endings, held, clocks.rows()))
            })
            .await?;
        from = after(&page);
        swept.held += held;
        swept.keys += endings.len() as u64;
        end(tenant, endings).await?;
        let over: Vec<Ended> = page.into_iter().filter(|ended| ended.at <= rows).collect();
        if over.is_empty() {
            continue;
        }
        let written = tenant.committer.write(over.len() * 256, move |group| {
            let (mut removed, mut gone) = (0, Vec::new());
            for ended in &over {
                if hold::stands(group.connection, group.tenant, Some(ended.run), None)? {
                    continue;
                }
                removed += remove(group, ended, &mut gone)?;
            }
            Ok((removed, gone))
        });
        let (removed, gone) = written.await.map_err(Error::of)?;
        swept.runs += removed;
        erase::unlink(tenant, gone).await?;
    }
    Ok(())
}

/// Removes the row of a run and what hangs on it. Keys that outlive it take its end along as their clock.
fn remove(
    group: &crate::commit::group::Group<'_>,
    ended: &Ended,
    gone: &mut Vec<BlobId>,
) -> Result<u64, crate::commit::group::Stop> {
    let (connection, tenant, run) = (group.connection, group.tenant.bytes(), ended.run.bytes());
    for ending in keys::of_run(connection, group.tenant, ended.run)? {
        connection
            .prepare_cached(
                "UPDATE wrapped_key SET retired_at = ?3, row_version = row_version + 1 WHERE tenant_id = ?1 AND key_id = ?2
                 AND retired_at IS NULL",
            )?
            .execute(params![tenant, ending.key.bytes(), ended.at])?;
    }
    let mut statement = connection
        .prepare_cached("SELECT blob_id FROM blob WHERE tenant_id = ?1 AND run_id = ?2 AND kind = 'log'")?;
    let rows = statement.query_map(params![tenant, run], |row| row.get::<_, Vec<u8>>(0))?;
    for row in rows {
        gone.push(column::id(&row?, BlobId::from_bytes)?);
    }
    for statement in [
        "DELETE FROM blob WHERE tenant_id = ?1 AND run_id = ?2 AND kind = 'log'",
        "UPDATE blob SET run_id = NULL WHERE tenant_id = ?1 AND run_id = ?2",
        "DELETE FROM snapshot WHERE tenant_id = ?1 AND run_id = ?2",
        "DELETE FROM signal WHERE tenant_id = ?1 AND run_id = ?2",
        "DELETE FROM queue WHERE tenant_id = ?1 AND run_id = ?2",
    ] {
        connection.prepare_cached(statement)?.execute(params![tenant, run])?;
    }
    let removed = connection
        .prepare_cached("DELETE FROM run WHERE tenant_id = ?1 AND run_id = ?2 AND open = 0")?
        .execute(params![tenant, run])?;
    Ok(removed as u64)
}

/// Keys that have outlived the rows of their runs.
async fn outliving(tenant: &Arc<Tenant>, swept: &mut Swept) -> Result<(), Error> {
    loop {
        let here = Arc::clone(tenant);
        let look = move |lane: &Connection| due_outliving(&here, lane, &Clocks::of(&here, lane)?);
        let endings = tenant.lanes.run(look).await?;
        if endings.is_empty() {
            return Ok(());
        }
        swept.keys += endings.len() as u64;
        end(tenant, endings).await?;
    }
}

fn due_outliving(tenant: &Tenant, lane: &Connection, clocks: &Clocks) -> Result<Vec<Ending>, Error> {
    let mut endings = Vec::new();
    for class in PayloadClass::ALL {
        let before = clocks.before(Data::of(*class));
        for ending in keys::outliving(lane, tenant.id, *class, before, BATCH)? {
            let person = ending.person.as_deref();
            if !hold::stands(lane, tenant.id, Some(ending.run), person).sql()? {
                endings.push(ending);
            }
        }
    }
    endings.truncate(BATCH as usize);
    Ok(endings)
}

/// Logs of runs that ended so long ago.
fn due_logs(tenant: &Tenant, lane: &Connection, clocks: &Clocks) -> Result<Vec<BlobId>, Error> {
    let before = clocks.before(Data::Log);
    let mut statement = lane
        .prepare_cached(
            "SELECT b.blob_id, b.run_id FROM blob b CROSS JOIN run r ON r.tenant_id = b.tenant_id AND r.run_id = b.run_id
             WHERE b.tenant_id = ?1 AND b.kind = 'log' AND r.open = 0 AND r.updated_at <= ?2",
        )
        .sql()?;
    let mut rows = statement.query(params![tenant.id.bytes(), before]).sql()?;
    let mut due = Vec::new();
    while let Some(row) = rows.next().sql()? {
        let (blob, run): (Vec<u8>, Vec<u8>) = (row.get(0).sql()?, row.get(1).sql()?);
        if !hold::stands(lane, tenant.id, Some(column::id(&run, RunId::from_bytes)?), None).sql()? {
            due.push(column::id(&blob, BlobId::from_bytes)?);
        }
        if due.len() == BATCH as usize * 10 {
            break;
        }
    }
    Ok(due)
}

async fn logs(tenant: &Arc<Tenant>, swept: &mut Swept) -> Result<(), Error> {
    loop {
        let here = Arc::clone(tenant);
        let look = move |lane: &Connection| due_logs(&here, lane, &Clocks::of(&here, lane)?);
        let due = tenant.lanes.run(look).await?;
        if due.is_empty() {
            return Ok(());
        }
        swept.logs += due.len() as u64;
        tenant.logs().clear();
        remove_blobs(tenant, due).await?;
    }
}

/// If we crash after the commit, files remain that no row names: the next sweep takes them.
async fn remove_blobs(tenant: &Arc<Tenant>, blobs: Vec<BlobId>) -> Result<(), Error> {
    let rows = blobs.clone();
    let written = tenant.committer.write(rows.len() * 64, move |group| {
        for blob in &rows {
            group
                .connection
                .prepare_cached("DELETE FROM blob WHERE tenant_id = ?1 AND blob_id = ?2")?
                .execute(params![group.tenant.bytes(), blob.bytes()])?;
        }
        Ok(())
    });
    written.await.map_err(Error::of)?;
    erase::unlink(tenant, blobs).await
}

const PLANS: &str = "FROM plan WHERE tenant_id = ?1 AND published_at <= ?2 AND length(sealed) > 0 AND NOT EXISTS (
    SELECT 1 FROM run WHERE run.tenant_id = plan.tenant_id AND run.plan_id = plan.plan_id AND run.plan_version = plan.plan_version)";

fn due_plans(tenant: &Tenant, lane: &Connection, before: i64) -> Result<u64, Error> {
    let plans: i64 = lane
        .cached_row(&format!("SELECT count(*) {PLANS}"), params![tenant.id.bytes(), before], |row| row.get(0))
        .sql()?;
    column::unsigned(plans)
}

/// Bundles that nobody has used since, beside runs that may still go on.
fn due_bundles(tenant: &Tenant, lane: &Connection, before: i64) -> Result<Vec<BlobId>, Error> {
    let mut statement = lane
        .prepare_cached(
            "SELECT blob_id FROM blob WHERE tenant_id = ?1 AND kind = 'bundle' AND created_at <= ?2 AND NOT EXISTS (
                SELECT 1 FROM run WHERE run.tenant_id = blob.tenant_id AND open = 1 AND queued_at <= blob.created_at + ?3)",
        )
        .sql()?;
    let day = column::signed(2 * DAY_MS);
    let rows =
        statement.query_map(params![tenant.id.bytes(), before, day], |row| row.get::<_, Vec<u8>>(0)).sql()?;
    rows.map(|row| column::id(&row.sql()?, BlobId::from_bytes)).collect()
}

async fn plans_and_bundles(tenant: &Arc<Tenant>, swept: &mut Swept) -> Result<(), Error> {
    let here = Arc::clone(tenant);
    let (before, bundles, plans) = tenant
        .lanes
        .run(move |lane| {
            let before = Clocks::of(&here, lane)?.before(Data::Plan);
            if hold::stands(lane, here.id, None, None).sql()? {
                return Ok((before, Vec::new(), 0));
            }
            Ok((before, due_bundles(&here, lane, before)?, due_plans(&here, lane, before)?))
        })
        .await?;
    if bundles.is_empty() && plans == 0 {
        return Ok(());
    }
    let written = tenant.committer.write(0, move |group| {
        let ended = group
            .connection
            .prepare_cached(&format!(
                "UPDATE plan SET sealed = x'', key_id = zeroblob(16) WHERE rowid IN (SELECT rowid {PLANS})"
            ))?
            .execute(params![group.tenant.bytes(), before])?;
        Ok(ended as u64)
    });
    swept.plans = written.await.map_err(Error::of)?;
    swept.bundles = bundles.len() as u64;
    if !bundles.is_empty() {
        remove_blobs(tenant, bundles).await?;
    }
    Ok(())
}

/// Files of the blob folder that no row names and that are older than a day: a crash left them.
fn orphans(tenant: &Tenant, lane: &Connection) -> Result<Vec<BlobId>, Error> {
    let io = |error: std::io::Error| Error::io("list the blobs", &error);
    let now = (tenant.clock)();
    let mut statement =
        lane.prepare_cached("SELECT 1 FROM blob WHERE tenant_id = ?1 AND blob_id = ?2").sql()?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&tenant.blobs).map_err(io)? {
        let entry = entry.map_err(io)?;
        let Some(blob) = entry.file_name().to_str().and_then(|name| BlobId::parse_key(name).ok()) else {
            continue;
        };
        // One that is gone meanwhile is no orphan.
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        let written = modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let written = Timestamp::from_ms(i64::try_from(written).unwrap_or(i64::MAX));
        if now.ms_since(written) <= DAY_MS {
            continue;
        }
        let known: Option<i64> = statement
            .query_row(params![tenant.id.bytes(), blob.bytes()], |row| row.get(0))
            .optional()
            .sql()?;
        if known.is_none() {
            found.push(blob);
        }
    }
    Ok(found)
}

/// What a sweep would end now.
fn due(tenant: &Tenant, lane: &Connection, clocks: &Clocks) -> Result<Swept, Error> {
    let mut swept = Swept { logs: due_logs(tenant, lane, clocks)?.len() as u64, ..Swept::default() };
    let mut runs = BTreeSet::new();
    let mut from = Some((i64::MIN, [0; 16]));
    while let Some(behind) = from {
        let page = ended(lane, tenant, clocks.earliest().max(clocks.rows()), behind)?;
        from = after(&page);
        let (endings, held) = due_keys(tenant, lane, clocks, &page)?;
        swept.keys += endings.len() as u64;
        swept.held += held;
        for ended in page.iter().filter(|ended| ended.at <= clocks.rows()) {
            if !hold::stands(lane, tenant.id, Some(ended.run), None).sql()? {
                runs.insert(ended.run);
            }
        }
    }
    swept.runs = runs.len() as u64;
    swept.keys += due_outliving(tenant, lane, clocks)?.len() as u64;
    let before = clocks.before(Data::Plan);
    if !hold::stands(lane, tenant.id, None, None).sql()? {
        swept.plans = due_plans(tenant, lane, before)?;
        swept.bundles = due_bundles(tenant, lane, before)?.len() as u64;
    }
    swept.files = orphans(tenant, lane)?.len() as u64;
    Ok(swept)
}

impl TenantTx {
    /// What a sweep would end now.
    pub async fn would_sweep(&self) -> Result<Swept, Error> {
        self.read(|reader, lane| due(&reader.tenant, lane, &Clocks::of(&reader.tenant, lane)?)).await
    }

    /// The same if a kind of data were kept for so many days.
    pub async fn would_sweep_if(&self, data: Data, days: u64) -> Result<Swept, Error> {
        self.read(move |reader, lane| {
            let clocks = Clocks::of(&reader.tenant, lane)?.with((data, days));
            due(&reader.tenant, lane, &clocks)
        })
        .await
    }
}
