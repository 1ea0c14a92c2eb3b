//! What the offline verifier reads: a tenant's file opened without any key, and, for those who hold them, the keys.
//!
//! [`LedgerFile`] judges nothing and trusts nothing; it also reads a file that it may not write to. Surprising: blocks are read
//! and taken apart on a thread of their own, ahead of whoever takes them, so that reading and hashing share two processors.

use crate::commit::authenticate;
use crate::port::error::Error;
use crate::read::events::{self, Payloads};
use crate::seal::opener::Opener;
use crate::sqlite::{Sql, column};
use crate::sqlite::{file, look, schema};
use crate::tally::{Tally, What};
use crate::tenant::{self, Ground, Tenant};
use dvt_ledger::block::Block;
use dvt_ledger::tile::TileId;
use dvt_ledger::verify::source::{Damaged, Header, MacCheck, Opened, Payload, Source, StoredCheckpoint};
use dvt_model::entry::PayloadCommit;
use dvt_model::id::{BlockId, KeyId, TenantId};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blocks that are handed over together, and how many such batches may be ahead.
const BATCH: usize = 256;
const AHEAD: usize = 8;

type Batch = Vec<Result<Block, Damaged>>;

/// A tenant's ledger as it lies in its file.
pub struct LedgerFile {
    connection: Mutex<Connection>,
    tenant: TenantId,
    n: i64,
    tally: Arc<Tally>,
}

impl LedgerFile {
    /// Opens the file for reading, beside a running engine or from a copy.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !path.is_file() {
            return Err(Error::NotFound);
        }
        // Links are followed here: an auditor's copy may lie wherever it likes.
        let path = path.canonicalize().map_err(|_| Error::NotFound)?;
        Self::on(look::reading(&path)?, &path)
    }

    /// Whether the file is a tenant's ledger, as far as its first bytes and its tables say. What is damaged further in is one that does
    /// not verify.
    pub fn is_one(path: &Path) -> Result<bool, Error> {
        let path = path.canonicalize().map_err(|_| Error::NotFound)?;
        if !path.is_file() || !look::is_ours(&path)? {
            return Ok(false);
        }
        let objects = schema::of(&look::reading(&path)?)?;
        Ok(objects.iter().any(|object| object.is_table(file::TENANT.mark)))
    }

    pub(crate) fn on(connection: Connection, path: &Path) -> Result<Self, Error> {
        // The whole verification sees one moment of the ledger.
        connection.execute_batch("BEGIN").sql()?;
        let tenant = tenant::header(&connection, path, None)?.tenant;
        let head = crate::commit::group::head(&connection, tenant)?;
        Ok(Self { connection: Mutex::new(connection), tenant, n: head.n, tally: Arc::default() })
    }

    /// Counts the entries there, as they are handed out.
    #[must_use]
    pub fn counted_by(self, tally: Arc<Tally>) -> Self {
        Self { tally, ..self }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose ledger it is, as the file says.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
}

impl LedgerFile {
    /// All blocks in order, in batches; ends early where nobody takes them any more. The connection is free between batches.
    fn read_blocks(&self, sender: &SyncSender<Batch>) -> Result<(), Error> {
        let mut from = Some(i64::MIN);
        while let Some(begin) = from {
            let (batch, last) = self.read_batch(begin)?;
            from = last.filter(|_| batch.len() == BATCH).and_then(|last| last.checked_add(1));
            if sender.send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The blocks from a first index on, as many as fit, and the first index of the last of them.
    fn read_batch(&self, from: i64) -> Result<(Batch, Option<i64>), Error> {
        let connection = self.lock();
        let columns = events::COLUMNS;
        let mut statement = connection
            .prepare_cached(&format!(
                "SELECT {columns} FROM ledger_block WHERE tenant_id = ?1 AND n = ?2 AND first_index >= ?3
                 ORDER BY first_index LIMIT {BATCH}"
            ))
            .sql()?;
        let mut rows = statement.query(params![self.tenant.bytes(), self.n, from]).sql()?;
        let (mut batch, mut last) = (Vec::with_capacity(BATCH), None);
        while let Some(row) = rows.next().sql()? {
            let first: i64 = row.get(0).sql()?;
            let read = events::block(row).sql().and_then(|read| read);
            batch.push(read.map_err(|error| Damaged {
                first_index: u64::try_from(first).unwrap_or(0),
                detail: error.to_string(),
            }));
            last = Some(first);
        }
        Ok((batch, last))
    }
}

impl Source for LedgerFile {
    type Error = Error;

    fn header(&self) -> Result<Header, Error> {
        let head = crate::commit::group::head(&self.lock(), self.tenant)?;
        let lowest: i64 = self
            .lock()
            .query_row(
                "SELECT lowest_index FROM ledger_head WHERE tenant_id = ?1",
                [self.tenant.bytes()],
                |row| row.get(0),
            )
            .sql()?;
        Ok(Header {
            ledger_id: head.ledger,
            tenant_id: self.tenant,
            next_index: head.next_index,
            sealed_size: head.sealed_size,
            lowest_index: column::unsigned(lowest)?,
        })
    }

    fn blocks(&self, take: &mut dyn FnMut(Result<Block, Damaged>)) -> Result<(), Error> {
        let header = self.header()?;
        self.tally.begin(What::Entries, header.next_index.saturating_sub(header.lowest_index));
        let (sender, batches) = sync_channel(AHEAD);
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || self.read_blocks(&sender));
            for batch in batches {
                let entries: usize = batch.iter().flatten().map(|block| block.leaves.len()).sum();
                batch.into_iter().for_each(&mut *take);
                self.tally.add(entries as u64);
            }
            reading.join().map_err(|_| Error::Unavailable("read: a thread ended early".to_owned()))?
        })
    }

    fn checkpoints(&self, take: &mut dyn FnMut(StoredCheckpoint)) -> Result<(), Error> {
        let connection = self.lock();
        let mut statement = connection
            .prepare("SELECT size, note FROM ledger_checkpoint WHERE tenant_id = ?1 AND n = ?2 ORDER BY size")
            .sql()?;
        let mut rows = statement.query(params![self.tenant.bytes(), self.n]).sql()?;
        while let Some(row) = rows.next().sql()? {
            let size = column::unsigned(row.get(0).sql()?)?;
            take(StoredCheckpoint { size, note: row.get(1).sql()? });
        }
        Ok(())
    }

    fn tiles(&self, take: &mut dyn FnMut(TileId)) -> Result<(), Error> {
        let connection = self.lock();
        let mut statement = connection
            .prepare(
                "SELECT level, tile FROM ledger_tile WHERE tenant_id = ?1 AND n = ?2 ORDER BY level, tile",
            )
            .sql()?;
        let mut rows = statement.query(params![self.tenant.bytes(), self.n]).sql()?;
        while let Some(row) = rows.next().sql()? {
            take(TileId { level: row.get(0).sql()?, index: column::unsigned(row.get(1).sql()?)? });
        }
        Ok(())
    }

    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, Error> {
        self.lock()
            .prepare_cached(
                "SELECT hashes FROM ledger_tile WHERE tenant_id = ?1 AND n = ?2 AND level = ?3 AND tile = ?4",
            )
            .and_then(|mut statement| {
                let of = params![self.tenant.bytes(), self.n, id.level, column::signed(id.index)];
                statement.query_row(of, |row| row.get(0)).optional()
            })
            .sql()
    }
}

/// A tenant's MAC and payload keys, for the layers that need them.
///
/// Keys and payloads come from the file that is verified and from nowhere else: what an open store still holds in memory proves
/// nothing about what is stored.
pub struct WithKeys {
    ground: Ground,
    connection: Connection,
    /// The row opened last: a block's entries are asked for one after the other.
    row: Option<(BlockId, KeyId, Row)>,
}

/// A payload row, opened.
enum Row {
    Open(Vec<crate::seal::payload::Opened>),
    Absent,
    Refused,
}

impl WithKeys {
    pub(crate) fn new(opener: &Arc<Opener>, tenant: &Tenant, connection: Connection) -> Result<Self, Error> {
        let header = tenant::header(&connection, Path::new("ledger"), Some(tenant.id))?;
        let head = crate::commit::group::head(&connection, tenant.id)?;
        let file = (tenant.path.as_path(), tenant.vfs.as_deref());
        let keyring = opener.open(&connection, (tenant.id, head.ledger), file)?;
        let ground = Ground {
            id: tenant.id,
            path: tenant.path.clone(),
            vfs: tenant.vfs.clone(),
            ledger: head.ledger,
            root: header.root,
            system: tenant.system,
            keyring: Arc::new(keyring),
            blobs: tenant.blobs.clone(),
            known: Vec::new(),
            clock: Arc::clone(&tenant.clock),
        };
        Ok(Self { ground, connection, row: None })
    }
}

impl Opened for WithKeys {
    type Error = Error;

    fn mac(&mut self, block: &Block) -> Result<MacCheck, Error> {
        match authenticate::check_mac(&self.ground.keyring, &self.connection, self.ground.ledger, block) {
            Ok(()) => Ok(MacCheck::Valid),
            Err(Error::Refused { .. }) => Ok(MacCheck::Invalid),
            Err(Error::Key(_)) => Ok(MacCheck::KeyMissing),
            Err(error) => Err(error),
        }
    }

    fn payload(&mut self, block: &Block, position: usize, commit: &PayloadCommit) -> Result<Payload, Error> {
        let asked = (block.block_id, commit.key_id);
        if self.row.as_ref().is_none_or(|(id, key, _)| (*id, *key) != asked) {
            let row = match Payloads::new(&self.connection, &self.ground, block).row(commit.key_id) {
                Ok(Some(opened)) => Row::Open(opened),
                Ok(None) => Row::Absent,
                Err(Error::Decrypt) => Row::Refused,
                Err(error) => return Err(error),
            };
            self.row = Some((asked.0, asked.1, row));
        }
        let refused = |detail: &str| Payload::Refused(detail.to_owned());
        Ok(match self.row.as_ref().map(|(_, _, row)| row) {
            Some(Row::Open(all)) => match all.iter().find(|opened| opened.offset == position) {
                Some(opened) => Payload::Open { salt: opened.salt, canonical: opened.canonical.clone() },
                None => refused("the sealed row holds no payload of the entry"),
            },
            Some(Row::Refused) => refused("the sealed payload does not open under its key"),
            // What was sealed again lies under another key than the one that the envelope names, so the row is asked first.
            Some(Row::Absent) | None => {
                match self.ground.keyring.seal_key(&self.connection, commit.key_id)?.is_none() {
                    true => Payload::Erased,
                    false => refused("the sealed payload is not there"),
                }
            }
        })
    }
}
