//! Legal holds: what may neither be erased nor end by its age, until somebody with the right says so.

use crate::commit::change::{Change, Draft};
use crate::commit::group::{Group, Stop};
use crate::commit::prepare::Sealed;
use crate::erase::{Target, keys};
use crate::port::error::{Error, Refusal};
use crate::port::operation::ActDraft;
use crate::port::transaction::TenantTx;
use crate::read::Reader;
use crate::sqlite::{Sql, column};
use dvt_model::id::{DecisionId, RunId, TenantId};
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id: that of the decision record which placed it.
    pub hold_id: DecisionId,
    /// `tenant`, `run` or `person`.
    pub covers: String,
    /// A run's id, a tenant's id, or the HMAC that names a person.
    pub subject: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was released.
    pub released_at: Option<Timestamp>,
    /// The version of its row.
    pub row_version: u64,
}

/// What a hold would stand over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldHold {
    /// `tenant`, `run` or `person`.
    pub covers: &'static str,
    /// A run's id, a tenant's id, or the HMAC that names a person.
    pub subject: String,
    /// Whether a hold stands over it already.
    pub is_held: bool,
    /// The keys that are there of a run or a person; of a tenant nobody counts them.
    pub keys: Option<u64>,
}

/// Whether a hold stands over a run, a person, or the whole tenant. What a run says of several is held with each of them.
pub(crate) fn stands(
    connection: &Connection,
    tenant: TenantId,
    run: Option<RunId>,
    person: Option<&str>,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM legal_hold WHERE tenant_id = ?1 AND released_at IS NULL AND (covers = 'tenant'
                OR (covers = 'run' AND subject = ?2) OR (covers = 'person' AND subject = ?3)
                OR (covers = 'person' AND ?3 = '*' AND EXISTS (SELECT 1 FROM wrapped_key k WHERE k.tenant_id = ?1
                    AND k.purpose = 'subject' AND k.subject = legal_hold.subject || '|' || ?2))))",
        )?
        .query_row(params![tenant.bytes(), run.map(|run| run.to_string()), person], |row| row.get(0))
}

struct Place {
    hold: DecisionId,
    covers: &'static str,
    subject: String,
    now: Timestamp,
}

impl Change for Place {
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        group
            .connection
            .prepare_cached(
                "INSERT INTO legal_hold (tenant_id, hold_id, covers, subject, decision_id, placed_at) VALUES (?1, ?2, ?3, ?4, ?2, ?5)",
            )?
            .execute(params![
                group.tenant.bytes(),
                self.hold.bytes(),
                self.covers,
                self.subject,
                self.now.ms()
            ])?;
        Ok(())
    }
}

struct Release {
    hold: DecisionId,
    row_version: u64,
    now: Timestamp,
}

impl Change for Release {
    fn judge(&self, group: &Group<'_>, _: &Sealed) -> Result<(), Stop> {
        may_release(group.connection, group.tenant, self.hold, self.row_version)??;
        group
            .connection
            .prepare_cached(
                "UPDATE legal_hold SET released_at = ?3, row_version = row_version + 1 WHERE tenant_id = ?1 AND hold_id = ?2",
            )?
            .execute(params![group.tenant.bytes(), self.hold.bytes(), self.now.ms()])?;
        Ok(())
    }
}

/// Whether a hold stands with the version that somebody saw.
fn may_release(
    connection: &Connection,
    tenant: TenantId,
    hold: DecisionId,
    seen: u64,
) -> rusqlite::Result<Result<(), Refusal>> {
    let version: Option<i64> = connection
        .prepare_cached(
            "SELECT row_version FROM legal_hold WHERE tenant_id = ?1 AND hold_id = ?2 AND released_at IS NULL",
        )?
        .query_row(params![tenant.bytes(), hold.bytes()], |row| row.get(0))
        .optional()?;
    let is_so = version == Some(column::signed(seen));
    Ok(if is_so { Ok(()) } else { Err(Refusal::VersionConflict) })
}

/// What a target is called in a row; `NOT_FOUND` for a run that is not there.
fn named(reader: &Reader, lane: &Connection, target: &Target) -> Result<(&'static str, String), Error> {
    Ok(match target {
        Target::Tenant => ("tenant", reader.tenant.id.to_string()),
        Target::Run(run) => {
            crate::read::runs::one(reader, lane, *run)?.ok_or(Error::NotFound)?;
            ("run", run.to_string())
        }
        Target::Person(person) => ("person", reader.tenant.keyring.person(person)?),
    })
}

fn is_held(reader: &Reader, lane: &Connection, target: &Target) -> Result<bool, Error> {
    let tenant = &reader.tenant;
    let person = match target {
        Target::Person(person) => Some(tenant.keyring.person(person)?),
        Target::Run(_) | Target::Tenant => None,
    };
    let run = if let Target::Run(run) = target { Some(*run) } else { None };
    stands(lane, tenant.id, run, person.as_deref()).sql()
}

impl TenantTx {
    /// Stages a hold; `hold` is the id of the decision record in `act`.
    pub fn place_hold(&mut self, act: ActDraft, hold: DecisionId, target: Target) {
        let change: Draft = Box::new(move |reader, lane| {
            let (covers, subject) = named(reader, lane, &target)?;
            let place = Place { hold, covers, subject, now: (reader.tenant.clock)() };
            Ok(Some((Box::new(place), Vec::new())))
        });
        self.stage(act, change);
    }

    /// What [`Self::place_hold`] would put a hold over.
    pub async fn would_hold(&self, target: &Target) -> Result<WouldHold, Error> {
        let target = target.clone();
        self.read(move |reader, lane| {
            let (covers, subject) = named(reader, lane, &target)?;
            let keys = match &target {
                Target::Tenant => None,
                Target::Run(run) => Some(keys::of_run(lane, reader.tenant.id, *run)?.len() as u64),
                Target::Person(_) => Some(keys::of_person(lane, reader.tenant.id, &subject)?.len() as u64),
            };
            Ok(WouldHold { covers, subject, is_held: is_held(reader, lane, &target)?, keys })
        })
        .await
    }

    /// Stages the release of a hold, if its row still has this version.
    pub fn release_hold(&mut self, act: ActDraft, hold: DecisionId, row_version: u64) {
        let change: Draft = Box::new(move |reader, _| {
            let release = Release { hold, row_version, now: (reader.tenant.clock)() };
            Ok(Some((Box::new(release), Vec::new())))
        });
        self.stage(act, change);
    }

    /// What [`Self::release_hold`] would be answered with.
    pub async fn would_release(
        &self,
        hold: DecisionId,
        row_version: u64,
    ) -> Result<Result<(), Refusal>, Error> {
        self.read(move |reader, lane| may_release(lane, reader.tenant.id, hold, row_version).sql()).await
    }

    /// The holds, newest first; the released ones behind those that stand.
    pub async fn holds(&self) -> Result<Vec<Hold>, Error> {
        self.read(|reader, lane| {
            let mut statement = lane
                .prepare_cached(
                    "SELECT hold_id, covers, subject, placed_at, released_at, row_version FROM legal_hold WHERE tenant_id = ?1
                     ORDER BY released_at IS NOT NULL, placed_at DESC, hold_id LIMIT 1000",
                )
                .sql()?;
            let mut rows = statement.query([reader.tenant.id.bytes()]).sql()?;
            let mut holds = Vec::new();
            while let Some(row) = rows.next().sql()? {
                let id: Vec<u8> = row.get(0).sql()?;
                holds.push(Hold {
                    hold_id: column::id(&id, DecisionId::from_bytes)?,
                    covers: row.get(1).sql()?,
                    subject: row.get(2).sql()?,
                    placed_at: column::time(row.get(3).sql()?),
                    released_at: row.get::<_, Option<i64>>(4).sql()?.map(column::time),
                    row_version: column::unsigned(row.get(5).sql()?)?,
                });
            }
            Ok(holds)
        })
        .await
    }

    /// Whether a hold stands over a target.
    pub async fn is_held(&self, target: &Target) -> Result<bool, Error> {
        let target = target.clone();
        self.read(move |reader, lane| is_held(reader, lane, &target)).await
    }
}

/// Whether a run's row says that it has ended; `None` where there is no row.
pub(crate) fn has_ended(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
) -> rusqlite::Result<Option<bool>> {
    let open: Option<i64> = connection
        .prepare_cached("SELECT open FROM run WHERE tenant_id = ?1 AND run_id = ?2")?
        .query_row(params![tenant.bytes(), run.bytes()], |row| row.get(0))
        .optional()?;
    Ok(open.map(|open| open == 0))
}
