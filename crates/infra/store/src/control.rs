//! The control database: the directory of tenants and the engine lease. No tenant content lies here.
//!
//! Every change is one conditional statement; there is nothing to read and then write.

use crate::Clock;
use crate::port::error::Error;
use crate::port::lease::{Holder, Row};
use crate::sqlite::connect::{Access, connect};
use crate::sqlite::file::{self, CONTROL, Found};
use crate::sqlite::{Sql, column};
use dvt_model::id::TenantId;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a lease lives without renewal (contract 6.1).
pub(crate) const LEASE_MS: u64 = 10_000;

/// A handle; clones share the connection.
#[derive(Clone)]
pub(crate) struct Control {
    connection: Arc<Mutex<Connection>>,
    clock: Clock,
}

/// A row of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) tenant: TenantId,
    pub(crate) platform: bool,
}

impl Control {
    /// Where it lies.
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join("control.db")
    }

    /// Opens it, or makes it first.
    pub(crate) fn open(folder: &Path, vfs: Option<&str>, clock: Clock) -> Result<Self, Error> {
        let path = Self::path(folder);
        let found = match file::look(&path, vfs, CONTROL, None) {
            Err(Error::NotFound) => Found::Empty,
            other => other?,
        };
        let connection = match found {
            Found::Ours(looked) => looked.open()?,
            Found::Empty => {
                file::create(&path, vfs, CONTROL, |_| Ok(()))?;
                connect(&path, vfs, Access::Write)?
            }
        };
        Ok(Self { connection: Arc::new(Mutex::new(connection)), clock })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory.
    pub(crate) fn tenants(&self) -> Result<Vec<Listed>, Error> {
        let connection = self.lock();
        let mut statement = connection
            .prepare("SELECT tenant_id, platform FROM tenant ORDER BY created_at, tenant_id")
            .sql()?;
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))).sql()?;
        rows.map(|row| {
            let (id, platform) = row.sql()?;
            Ok(Listed { tenant: column::id(&id, TenantId::from_bytes)?, platform: platform == 1 })
        })
        .collect()
    }

    /// Whether the directory names this tenant.
    pub(crate) fn knows(&self, tenant: TenantId) -> Result<bool, Error> {
        let found: Option<i64> = self
            .lock()
            .query_row("SELECT 1 FROM tenant WHERE tenant_id = ?1", [tenant.bytes()], |row| row.get(0))
            .optional()
            .sql()?;
        Ok(found.is_some())
    }

    /// Enters a tenant whose file is whole; repeating it changes nothing.
    pub(crate) fn enter(&self, tenant: TenantId, platform: bool) -> Result<(), Error> {
        self.lock()
            .execute(
                "INSERT INTO tenant (tenant_id, platform, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (tenant_id) DO NOTHING",
                params![tenant.bytes(), i64::from(platform), (self.clock)().ms()],
            )
            .sql()?;
        Ok(())
    }

    /// The lease row.
    pub(crate) fn lease(&self) -> Result<Option<Row>, Error> {
        let row = self
            .lock()
            .query_row(
                "SELECT pid, pid_start, address, epoch, expires_at FROM engine_lease WHERE one = 1",
                [],
                |row| {
                    Ok((
                        row.get::<_, u32>(0)?,
                        row.get::<_, i64>(1)?,
                        row.get::<_, String>(2)?,
                        row.get::<_, i64>(3)?,
                        row.get::<_, i64>(4)?,
                    ))
                },
            )
            .optional()
            .sql()?;
        let Some((pid, pid_start, address, epoch, expires_at)) = row else { return Ok(None) };
        let holder = Holder { pid, pid_start: column::unsigned(pid_start)?, address };
        Ok(Some(Row { holder, epoch: column::unsigned(epoch)?, expires_at: column::time(expires_at) }))
    }

    /// Takes the lease if the row is what the caller saw; the epoch rises by one.
    pub(crate) fn take(&self, seen: Option<&Row>, holder: &Holder) -> Result<Option<Row>, Error> {
        let expires_at = (self.clock)().plus_ms(LEASE_MS);
        let start = column::signed(holder.pid_start);
        let (changed, epoch) = match seen {
            None => {
                let changed = self.lock().execute(
                    "INSERT INTO engine_lease (one, pid, pid_start, address, epoch, expires_at) VALUES (1, ?1, ?2, ?3, 1, ?4)
                     ON CONFLICT (one) DO NOTHING",
                    params![holder.pid, start, holder.address, expires_at.ms()],
                );
                (changed.sql()?, 1)
            }
            Some(row) => {
                let changed = self.lock().execute(
                    "UPDATE engine_lease SET pid = ?1, pid_start = ?2, address = ?3, epoch = epoch + 1, expires_at = ?4
                     WHERE one = 1 AND epoch = ?5 AND expires_at = ?6 AND pid = ?7 AND pid_start = ?8",
                    params![
                        holder.pid,
                        start,
                        holder.address,
                        expires_at.ms(),
                        column::signed(row.epoch),
                        row.expires_at.ms(),
                        row.holder.pid,
                        column::signed(row.holder.pid_start)
                    ],
                );
                (changed.sql()?, row.epoch.saturating_add(1))
            }
        };
        Ok((changed == 1).then(|| Row { holder: holder.clone(), epoch, expires_at }))
    }

    /// Renews while epoch and holder are still the row's.
    pub(crate) fn renew(&self, row: &Row) -> Result<bool, Error> {
        let changed = self.lock().execute(
            "UPDATE engine_lease SET expires_at = ?1 WHERE one = 1 AND epoch = ?2 AND pid = ?3 AND pid_start = ?4",
            params![
                (self.clock)().plus_ms(LEASE_MS).ms(),
                column::signed(row.epoch),
                row.holder.pid,
                column::signed(row.holder.pid_start)
            ],
        );
        Ok(changed.sql()? == 1)
    }

    /// Gives it back; a row that is no longer ours stays as it is.
    pub(crate) fn release(&self, row: &Row) -> Result<(), Error> {
        self.lock()
            .execute(
                "UPDATE engine_lease SET pid = 0, pid_start = 0, address = '', expires_at = 0
                 WHERE one = 1 AND epoch = ?1 AND pid = ?2 AND pid_start = ?3",
                params![column::signed(row.epoch), row.holder.pid, column::signed(row.holder.pid_start)],
            )
            .sql()?;
        Ok(())
    }
}
