//! What `dvt store check` looks at: every page, the schema, every entry with its MAC and payload, everything sealed, the notes.
//!
//! It changes nothing and stops at nothing: what is broken is named and the rest is looked at all the same.

use crate::port::error::Error;
use crate::seal::document::{self, Cell, plan_row};
use crate::sqlite::connect::{Access, connect};
use crate::sqlite::file::TENANT;
use crate::sqlite::{Sql, column, schema};
use crate::tally::{Tally, What};
use crate::tenant::Tenant;
use crate::verify::{LedgerFile, WithKeys};
use crate::{Store, blob, blocking, known, retention};
use dvt_ledger::verify::result::{Status, VerificationResult};
use dvt_model::id::{BlobId, EnvironmentId, KeyId, PlanId, PrincipalId, ProjectId, RunId, TenantId};
use dvt_model::scope::ScopeIds;
use rusqlite::{Connection, Row};
use std::sync::Arc;

/// The most faults of one kind that are named.
const NAMED: usize = 20;

/// What was found in a tenant's file.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Whose.
    pub tenant: TenantId,
    /// Whether it is the platform's.
    pub platform: bool,
    /// What is broken, each in a sentence; empty where nothing is.
    pub faults: Vec<String>,
    /// What the ledger's verifier said, with keys.
    pub ledger: VerificationResult,
    /// Wrapped keys that open.
    pub keys: u64,
    /// Sealed columns beside the ledger that open.
    pub sealed: u64,
    /// Blobs whose frames open.
    pub blobs: u64,
    /// Sealed rows and blobs whose key was destroyed.
    pub erased: u64,
    /// The newest checkpoint that is known outside the file, if any.
    pub known: Option<u64>,
}

impl Checked {
    /// Whether nothing is broken.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty() && self.ledger.status == Status::Valid
    }
}

/// What is counted on the way.
#[derive(Default)]
struct Counts {
    faults: Vec<String>,
    keys: u64,
    sealed: u64,
    blobs: u64,
    erased: u64,
}

impl Counts {
    fn fault(&mut self, text: String) {
        if self.faults.len() < NAMED {
            self.faults.push(text);
        }
    }

    fn note(&mut self, what: &str, opened: Result<Opened, Error>) {
        match opened {
            Ok(Opened::Sealed) => self.sealed += 1,
            Ok(Opened::Blob) => self.blobs += 1,
            Ok(Opened::Erased) => self.erased += 1,
            Ok(Opened::Missing) => self.fault(format!("{what} is missing")),
            Err(error) => self.fault(format!("{what}: {error}")),
        }
    }
}

enum Opened {
    Sealed,
    Blob,
    Erased,
    Missing,
}

impl Store {
    /// Looks at everything of a tenant. What was entered so far is sealed first. `tally` says how far it is.
    pub async fn check(&self, tenant: TenantId, tally: &Arc<Tally>) -> Result<Checked, Error> {
        let open = self.tenant(tenant)?;
        self.seal(tenant).await?;
        let (inner, platform) = (Arc::clone(&self.inner), self.platform()? == tenant);
        let tally = Arc::clone(tally);
        blocking(move || {
            let connection = connect(&open.path, open.vfs.as_deref(), Access::Read)?;
            let mut counts = Counts::default();
            pages(&connection, &mut counts, &tally)?;
            let faults = schema::faults(&schema::of(&connection)?, TENANT, version(&connection)?)?;
            faults.into_iter().for_each(|fault| counts.fault(fault.text));
            keys(&open, &connection, &mut counts, &tally)?;
            columns(&open, &connection, &mut counts)?;
            blobs(&open, &connection, &mut counts, &tally)?;
            let known = newest(&open, &mut counts)?;
            let file = LedgerFile::on(connection, &open.path)?.counted_by(tally);
            let mut with =
                WithKeys::new(&inner.keys, &open, connect(&open.path, open.vfs.as_deref(), Access::Read)?)?;
            let clock = Arc::clone(&inner.home.clock);
            let ledger = dvt_ledger::verify::verify_with_keys(
                &file,
                &open.keyring.verifier_keys()?,
                known.as_ref(),
                &mut with,
                &move || clock(),
            );
            if ledger.status != Status::Valid {
                dvt_telemetry::not_verified();
            }
            let Counts { faults, keys, sealed, blobs, erased } = counts;
            let known = known.map(|checkpoint| checkpoint.size);
            Ok(Checked { tenant, platform, faults, ledger, keys, sealed, blobs, erased, known })
        })
        .await
    }
}

fn version(connection: &Connection) -> Result<i64, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).sql()
}

/// Every page, index and reference.
fn pages(connection: &Connection, counts: &mut Counts, tally: &Tally) -> Result<(), Error> {
    let all: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).sql()?;
    tally.begin(What::Pages, u64::try_from(all).unwrap_or(0));
    let mut statement = connection.prepare("PRAGMA integrity_check(20)").sql()?;
    let told = statement.query_map([], |row| row.get::<_, String>(0)).sql()?;
    for line in told {
        let line = line.sql()?;
        if line != "ok" {
            counts.fault(format!("the database: {line}"));
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check").sql()?;
    let told = statement.query_map([], |row| row.get::<_, String>(0)).sql()?;
    for table in told {
        counts.fault(format!("a row of `{}` points to nothing", table.sql()?));
    }
    Ok(())
}

fn newest(tenant: &Tenant, counts: &mut Counts) -> Result<Option<dvt_ledger::checkpoint::Checkpoint>, Error> {
    match known::newest(&tenant.known, tenant.ledger, &tenant.keyring.verifier_keys()?) {
        Ok(known) => Ok(known.map(|known| known.checkpoint)),
        Err(error) => {
            counts.fault(error.to_string());
            Ok(None)
        }
    }
}

fn key_id(row: &Row<'_>, at: usize) -> Result<KeyId, Error> {
    column::id(&row.get::<_, Vec<u8>>(at).sql()?, KeyId::from_bytes)
}

/// The tenant's own keys opened when its file did; those of runs and persons are tried one by one.
fn keys(tenant: &Tenant, connection: &Connection, counts: &mut Counts, tally: &Tally) -> Result<(), Error> {
    tally.begin(
        What::Keys,
        rows(connection, "SELECT count(*) FROM wrapped_key WHERE tenant_id = ?1", tenant)?,
    );
    let mut statement =
        connection.prepare("SELECT key_id, purpose FROM wrapped_key WHERE tenant_id = ?1").sql()?;
    let mut rows = statement.query([tenant.id.bytes()]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let (id, purpose) = (key_id(row, 0)?, row.get::<_, String>(1).sql()?);
        let opened = match purpose.as_str() {
            "run" | "subject" => tenant.keyring.seal_key(connection, id).map(|key| key.is_some()),
            _ => Ok(true),
        };
        match opened {
            Ok(true) => counts.keys += 1,
            Ok(false) => counts.fault(format!("the key {id} is not found")),
            Err(error) => counts.fault(format!("the key {id}: {error}")),
        }
        tally.add(1);
    }
    Ok(())
}

fn opens(
    tenant: &Tenant,
    connection: &Connection,
    key: KeyId,
    cell: Cell<'_>,
    sealed: &[u8],
) -> Result<Opened, Error> {
    if sealed.is_empty() {
        return Ok(Opened::Erased);
    }
    match tenant.keyring.seal_key(connection, key)? {
        Some(key) => document::open(tenant, &key, cell, sealed).map(|_| Opened::Sealed),
        None => Ok(Opened::Erased),
    }
}

/// Everything sealed that is neither payload nor blob.
fn columns(tenant: &Tenant, connection: &Connection, counts: &mut Counts) -> Result<(), Error> {
    let id = tenant.id.bytes();
    let mut statement = connection
        .prepare("SELECT key_id, sealed, plan_id, plan_version FROM plan WHERE tenant_id = ?1")
        .sql()?;
    let mut rows = statement.query([id]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let (plan, version): (Vec<u8>, String) = (row.get(2).sql()?, row.get(3).sql()?);
        let name = plan_row(column::id(&plan, PlanId::from_bytes)?, &version);
        let cell = Cell { table: "plan", column: "sealed", row: &name, version: 0 };
        let opened = opens(tenant, connection, key_id(row, 0)?, cell, &row.get::<_, Vec<u8>>(1).sql()?);
        counts.note(&format!("the plan {name}"), opened);
    }
    let mut statement = connection
        .prepare("SELECT key_id, name_sealed, principal_id FROM member WHERE tenant_id = ?1")
        .sql()?;
    let mut rows = statement.query([id]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let name = column::id(&row.get::<_, Vec<u8>>(2).sql()?, PrincipalId::from_bytes)?.key();
        let cell = Cell { table: "member", column: "name_sealed", row: &name, version: 0 };
        let opened = opens(tenant, connection, key_id(row, 0)?, cell, &row.get::<_, Vec<u8>>(1).sql()?);
        counts.note(&format!("the member {name}"), opened);
    }
    let mut statement = connection
        .prepare("SELECT key_id, sealed, run_id, last_run_seq FROM snapshot WHERE tenant_id = ?1")
        .sql()?;
    let mut rows = statement.query([id]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let run = column::id(&row.get::<_, Vec<u8>>(2).sql()?, RunId::from_bytes)?.key();
        let version = column::unsigned(row.get(3).sql()?)?;
        let cell = Cell { table: "snapshot", column: "sealed", row: &run, version };
        let opened = opens(tenant, connection, key_id(row, 0)?, cell, &row.get::<_, Vec<u8>>(1).sql()?);
        counts.note(&format!("the snapshot of run {run}"), opened);
    }
    settings(tenant, connection, counts)
}

fn settings(tenant: &Tenant, connection: &Connection, counts: &mut Counts) -> Result<(), Error> {
    let mut statement = connection
        .prepare(
            "SELECT key_id, sealed, kind, name, row_version, project_id, environment_id FROM setting WHERE tenant_id = ?1",
        )
        .sql()?;
    let mut rows = statement.query([tenant.id.bytes()]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let (kind, name): (String, String) = (row.get(2).sql()?, row.get(3).sql()?);
        let place = ScopeIds {
            tenant_id: tenant.id,
            project_id: column::id(&row.get::<_, Vec<u8>>(5).sql()?, ProjectId::from_bytes)?,
            environment_id: column::id(&row.get::<_, Vec<u8>>(6).sql()?, EnvironmentId::from_bytes)?,
        };
        let at = retention::setting::place(&place, &kind, &name);
        let version = column::unsigned(row.get(4).sql()?)?;
        let cell = Cell { table: "setting", column: "sealed", row: &at, version };
        let opened = opens(tenant, connection, key_id(row, 0)?, cell, &row.get::<_, Vec<u8>>(1).sql()?);
        counts.note(&format!("the setting {kind} {name}"), opened);
    }
    Ok(())
}

fn blobs(tenant: &Tenant, connection: &Connection, counts: &mut Counts, tally: &Tally) -> Result<(), Error> {
    tally.begin(What::Blobs, rows(connection, "SELECT count(*) FROM blob WHERE tenant_id = ?1", tenant)?);
    let mut statement =
        connection.prepare("SELECT blob_id, key_id, kind, size FROM blob WHERE tenant_id = ?1").sql()?;
    let mut rows = statement.query([tenant.id.bytes()]).sql()?;
    while let Some(row) = rows.next().sql()? {
        let id = column::id(&row.get::<_, Vec<u8>>(0).sql()?, BlobId::from_bytes)?;
        let (kind, size): (String, i64) = (row.get(2).sql()?, row.get(3).sql()?);
        let key = tenant.keyring.seal_key(connection, key_id(row, 1)?);
        let opened = key.and_then(|key| match key {
            None => Ok(Opened::Erased),
            Some(key) if kind == "log" => blob::log::check(tenant, &key, id).map(|()| Opened::Blob),
            Some(key) => {
                let read = blob::get(tenant, &key, id, column::unsigned(size)?)?;
                Ok(if read.is_some() { Opened::Blob } else { Opened::Missing })
            }
        });
        counts.note(&format!("the {kind} {id}"), opened);
        tally.add(1);
    }
    Ok(())
}

fn rows(connection: &Connection, sql: &str, tenant: &Tenant) -> Result<u64, Error> {
    let count: i64 = connection.query_row(sql, [tenant.id.bytes()], |row| row.get(0)).sql()?;
    column::unsigned(count)
}
