//! Erasure by the destruction of keys (contract 7.6): of a run's payloads, and of everything about a person.
//!
//! An erasure is ordered in one transaction with its decision and its record, and worked off in small ones, each with the
//! tombstones of the keys it ends. Keys that a run in progress needs go at its end; the order waits for them. Surprising: a crash
//! between order and deed loses nothing, because the order is a row, and whoever works the tenant off next goes on with it.

pub(crate) mod hold;
pub(crate) mod keys;

use crate::blob;
use crate::commit::change::{self, Change, Draft, submit};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::crash;
use crate::port::error::{Error, Refusal};
use crate::port::operation::{ActDraft, EntryDraft};
use crate::port::transaction::TenantTx;
use crate::read::{Reader, runs};
use crate::retention::setting::{self, Kind};
use crate::seal::keyring::SEVERAL;
use crate::sqlite::Sql;
use crate::sqlite::connect::{Access, connect};
use crate::tenant::Tenant;
use dvt_ledger::announce;
use dvt_model::action::Action;
use dvt_model::entry::{EventType, PayloadClass};
use dvt_model::id::{BlobId, DecisionId, RunId};
use keys::Ending;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Keys of one batch.
const BATCH: usize = 100;
/// Classes that nobody may erase before their time: they are kept by law (contract 6.6).
const KEPT_BY_LAW: [PayloadClass; 3] =
    [PayloadClass::Financial, PayloadClass::SecretAccess, PayloadClass::Compliance];

/// What is erased or held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Everything; for holds alone.
    Tenant,
    /// What a run's payloads say.
    Run(RunId),
    /// What is known about a person: a principal's id, or what a plan's `subject` names.
    Person(String),
}

/// What an erasure came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Keys that are gone, and with them every payload under them.
    pub keys: u64,
    /// Keys that a run in progress needs: they go at its end.
    pub waiting: u64,
    /// Keys that a legal hold keeps.
    pub held: u64,
    /// Keys that the law keeps: financial records, reasons of decisions, who took which secret.
    pub kept_by_law: u64,
}

/// An order to erase that is not worked off yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// `run_…`, or `person:<hmac>`.
    name: String,
    decision: Option<DecisionId>,
}

impl Order {
    fn endings(&self, lane: &Connection, tenant: &Tenant) -> Result<Vec<Ending>, Error> {
        if let Some(person) = self.name.strip_prefix("person:") {
            return keys::of_person(lane, tenant.id, person);
        }
        match RunId::parse(&self.name) {
            Ok(run) => keys::of_run(lane, tenant.id, run),
            Err(_) => Ok(Vec::new()),
        }
    }
}

/// The order as it is entered.
struct Placing {
    row: setting::Write,
    run: Option<RunId>,
    person: Option<String>,
}

impl Change for Placing {
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        if hold::stands(group.connection, group.tenant, self.run, self.person.as_deref())? {
            return Err(Refusal::LegalHold.into());
        }
        // Ordered twice is ordered once; the second decision stands beside the first.
        self.row.insert_if_absent(group)
    }
}

impl TenantTx {
    /// Stages the order to erase; decision and record stand in `act`, and `decision` is the record's id. A hold refuses it.
    // INVARIANT(INV-15): no order without its record, in one transaction.
    pub fn order_erasure(&mut self, act: ActDraft, decision: DecisionId, target: Target) {
        let change: Draft = Box::new(move |reader, lane| {
            let (name, run, person) = match &target {
                Target::Tenant => {
                    return Err(Error::Contract("a tenant is not erased by its payload keys".to_owned()));
                }
                Target::Run(run) => {
                    runs::one(reader, lane, *run)?.ok_or(Error::NotFound)?;
                    (run.to_string(), Some(*run), None)
                }
                Target::Person(person) => {
                    let person = reader.tenant.keyring.person(person)?;
                    (format!("person:{person}"), None, Some(person))
                }
            };
            let value = json!({ "decisionId": decision });
            let row = setting::Write::new(&reader.tenant, Kind::Erasure, &name, 1, &value)?;
            Ok(Some((Box::new(Placing { row, run, person }), Vec::new())))
        });
        self.stage(act, change);
    }

    /// How many keys an erasure would end, and what would stay.
    pub async fn would_erase(&self, target: &Target) -> Result<Erased, Error> {
        let target = target.clone();
        self.read(move |reader, lane| {
            let tenant = &reader.tenant;
            let endings = match &target {
                Target::Tenant => Vec::new(),
                Target::Run(run) => {
                    runs::one(reader, lane, *run)?.ok_or(Error::NotFound)?;
                    keys::of_run(lane, tenant.id, *run)?
                }
                Target::Person(person) => keys::of_person(lane, tenant.id, &tenant.keyring.person(person)?)?,
            };
            Ok(sort(tenant, lane, endings)?.1)
        })
        .await
    }

    /// Whether the key of a run's ordinary payloads is gone: what it held is erased.
    pub async fn is_erased(&self, run: RunId) -> Result<bool, Error> {
        self.read(move |reader, lane| {
            runs::one(reader, lane, run)?.ok_or(Error::NotFound)?;
            Ok(!keys::has_ordinary(lane, reader.tenant.id, run)?)
        })
        .await
    }
}

/// Which of the keys may end now, and the count of each kind.
fn sort(tenant: &Tenant, lane: &Connection, endings: Vec<Ending>) -> Result<(Vec<Ending>, Erased), Error> {
    let (mut now, mut erased) = (Vec::new(), Erased::default());
    let mut together = BTreeSet::new();
    for ending in endings {
        // What is told of several is held for another of them: until that is over, it must be known to be about this one too.
        let is_tied = together.contains(&ending.run);
        if KEPT_BY_LAW.contains(&ending.class) {
            erased.kept_by_law += 1;
        } else if is_tied
            || hold::stands(lane, tenant.id, Some(ending.run), ending.person.as_deref()).sql()?
        {
            erased.held += 1;
            if ending.person.as_deref() == Some(SEVERAL) {
                together.insert(ending.run);
            }
        } else if hold::has_ended(lane, tenant.id, ending.run).sql()? == Some(false) {
            erased.waiting += 1;
        } else {
            erased.keys += 1;
            now.push(ending);
        }
    }
    Ok((now, erased))
}

/// The end of some keys, with their tombstones.
pub(crate) struct Ends {
    endings: Vec<Ending>,
    gone: Arc<Mutex<Vec<BlobId>>>,
}

impl Ends {
    /// The ends and their tombstones.
    // INVARIANT(INV-22): no key of a payload ends without a tombstone in the same transaction.
    pub(crate) fn draft(
        reader: &Reader,
        lane: &Connection,
        endings: Vec<Ending>,
        (basis, decision): (&str, Option<DecisionId>),
        gone: &Arc<Mutex<Vec<BlobId>>>,
    ) -> Result<change::Drafted, Error> {
        let tenant = &reader.tenant;
        let action = if decision.is_some() { Action::DataErase } else { Action::RetentionSweep };
        let mut entries = Vec::with_capacity(endings.len());
        for ending in &endings {
            let kind = (EventType::KeyEvent, announce::PAYLOAD_ERASED);
            let mut envelope = change::envelope(tenant, kind, action, announce::key(ending.key));
            envelope.reason_code = Some(basis.to_owned());
            envelope.decision_id = decision;
            envelope.run_id = Some(ending.run);
            let range = keys::range(lane, tenant.id, ending)?;
            let range = range.map(|(from, to)| json!({ "from": from, "to": to }));
            let payload = json!({ "keyId": ending.key, "range": range, "legalBasis": basis });
            entries.push(EntryDraft { envelope, payload: Some((PayloadClass::Standard, payload)) });
        }
        Ok((Box::new(Self { endings, gone: Arc::clone(gone) }), entries))
    }
}

impl Change for Ends {
    /// If we crash before the commit, every key is there; after it, none of them, and only files that nobody can read remain.
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        let mut gone = Vec::new();
        for ending in &self.endings {
            // INVARIANT(INV-22): a hold that was placed a moment ago holds.
            let person = ending.person.as_deref();
            if hold::stands(group.connection, group.tenant, Some(ending.run), person)? {
                return Err(Refusal::VersionConflict.into());
            }
            if hold::has_ended(group.connection, group.tenant, ending.run)? == Some(false) {
                return Err(Refusal::VersionConflict.into());
            }
            gone.extend(keys::end(group, ending)?);
        }
        *self.gone.lock().unwrap_or_else(PoisonError::into_inner) = gone;
        Ok(())
    }
}

/// Works off every order of a tenant as far as it can be.
pub(crate) async fn work_off(tenant: &Arc<Tenant>) -> Result<Erased, Error> {
    let here = Arc::clone(tenant);
    let orders = tenant.lanes.run(move |lane| orders(&here, lane)).await?;
    let mut all = Erased::default();
    for order in orders {
        let erased = one(tenant, &order).await?;
        all.keys += erased.keys;
        all.waiting += erased.waiting;
        all.held += erased.held;
        all.kept_by_law += erased.kept_by_law;
    }
    if all.keys > 0 {
        truncate(tenant).await?;
    }
    Ok(all)
}

/// The orders that stand.
pub(crate) fn orders(tenant: &Tenant, lane: &Connection) -> Result<Vec<Order>, Error> {
    let rows = setting::all(tenant, lane, Kind::Erasure)?;
    let decision = |value: &Value| DecisionId::parse(value.get("decisionId")?.as_str()?).ok();
    Ok(rows.into_iter().map(|row| Order { decision: decision(&row.value), name: row.name }).collect())
}

async fn one(tenant: &Arc<Tenant>, order: &Order) -> Result<Erased, Error> {
    let (mut count, done) = (0, Arc::new(AtomicU64::new(0)));
    loop {
        let gone = Arc::new(Mutex::new(Vec::new()));
        let submitted = submit(tenant, || {
            let (order, gone, done) = (order.clone(), Arc::clone(&gone), Arc::clone(&done));
            Box::new(move |reader: &Reader, lane: &Connection| {
                let (mut now, _) = sort(&reader.tenant, lane, order.endings(lane, &reader.tenant)?)?;
                now.truncate(BATCH);
                if now.is_empty() {
                    return Ok(None);
                }
                let count = now.len() as u64;
                let drafted = Ends::draft(reader, lane, now, ("DATA_ERASURE", order.decision), &gone)?;
                done.store(count, Ordering::SeqCst);
                Ok(Some(drafted))
            })
        });
        crash::point("before-erase");
        let committed = submitted.await.map_err(Error::of)?;
        if committed.is_none() {
            break;
        }
        tenant.wrote();
        forget(tenant);
        // If we crash here, files remain that no row names and no key opens: the sweep takes them.
        crash::point("after-erase");
        let gone = std::mem::take(&mut *gone.lock().unwrap_or_else(PoisonError::into_inner));
        unlink(tenant, gone).await?;
        count += done.load(Ordering::SeqCst);
    }
    let (here, wanted) = (Arc::clone(tenant), order.clone());
    let rest = tenant.lanes.run(move |lane| Ok(sort(&here, lane, wanted.endings(lane, &here)?)?.1)).await?;
    if rest.waiting == 0 && rest.held == 0 && rest.keys == 0 {
        setting::remove(tenant, Kind::Erasure, &order.name).await?;
    }
    Ok(Erased { keys: count, ..rest })
}

/// Nothing of what was erased stays in this process: keys, open logs. Other processes keep a key for a minute at most.
pub(crate) fn forget(tenant: &Tenant) {
    tenant.keyring.forget();
    tenant.logs().clear();
}

/// Removes files that no row names any more.
pub(crate) async fn unlink(tenant: &Arc<Tenant>, gone: Vec<BlobId>) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let here = Arc::clone(tenant);
    tenant
        .lanes
        .run(move |_| {
            for id in gone {
                blob::remove(&here, id)?;
            }
            crate::sqlite::file::sync_folder(&here.blobs)
        })
        .await
}

/// Moves the write-ahead log into the file and cuts it off: it may still hold what was erased.
pub(crate) async fn truncate(tenant: &Arc<Tenant>) -> Result<(), Error> {
    const TRIES: u32 = 40;
    /// For a checkpoint that somebody else is making SQLite does not wait, whatever the connection's patience.
    const PAUSE: Duration = Duration::from_millis(25);
    for _ in 0..TRIES {
        let (path, vfs) = (tenant.path.clone(), tenant.vfs.clone());
        let busy: i64 = crate::blocking(move || {
            let connection = connect(&path, vfs.as_deref(), Access::Write)?;
            // Busy waits for readers and the writer as long as the connection's own patience.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).sql()
        })
        .await?;
        if busy == 0 {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Unavailable("cut the write-ahead log: somebody reads all the time".to_owned()))
}
