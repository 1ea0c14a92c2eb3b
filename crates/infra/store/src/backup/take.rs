//! Taking a backup: each database copied as of one moment beside its writers, then sealed into one file.
//!
//! Order per tenant: signed notes, database, blobs. A note is never ahead of its file and a blob is durable before the row that
//! names it, so what a copied database names is there, but for what is erased in these very moments.

use super::draft;
use super::frames::{self, Head, Piece, Writer, given_up, io};
use super::name::Name;
use crate::port::error::Error;
use crate::sqlite::Sql;
use crate::sqlite::connect::{Access, connect};
use crate::sqlite::file::{self, CONTROL, Found, Kind, TENANT, private_folder, refused, sync_folder};
use crate::sqlite::look;
use crate::tally::{Tally, What};
use crate::{Inner, Store, blocking, crash, known};
use dvt_model::code::Code;
use dvt_model::id::{BlobId, LedgerId, TenantId};
use dvt_model::proof::{AuditExport, Authorized};
use dvt_model::resource::Ledger;
use dvt_model::time::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, FlockOperation, RenameFlags};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Copies lie here until they are sealed.
const STAGING: &str = "backup-staging";

/// A backup that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// When it was begun.
    pub made_at: Timestamp,
    /// Tenants in it, the platform's among them.
    pub tenants: u64,
    /// Files in it.
    pub files: u64,
    /// Bytes of the sealed file.
    pub bytes: u64,
}

impl Store {
    /// Takes a backup of everything into the new file `to`, with small files of the caller beside it. It takes the right to each
    /// tenant's ledger; one without its proof, though made a moment ago, is a refusal. What was entered so far is sealed first, so
    /// that the copy ends at a checkpoint that was signed. `tally` says how far it is.
    // INVARIANT(INV-12): access judged each tenant; here nothing of a tenant goes in that was not judged.
    pub async fn backup(
        &self,
        proofs: &[Authorized<Ledger, AuditExport>],
        to: &Path,
        beside: Vec<(String, Vec<u8>)>,
        tally: &Arc<Tally>,
    ) -> Result<BackedUp, Error> {
        let allowed: BTreeSet<TenantId> = proofs.iter().map(|proof| proof.scope().tenant()).collect();
        self.may_take(&allowed, to)?;
        for row in self.inner.control.tenants()? {
            self.seal(row.tenant).await?;
        }
        let (store, to, tally) = (self.clone(), to.to_owned(), Arc::clone(tally));
        blocking(move || take(&store, &allowed, &to, &beside, &tally)).await
    }

    /// The tenants of a backup: the platform, and whom the proofs are about, if that is everybody.
    fn may_take(&self, allowed: &BTreeSet<TenantId>, to: &Path) -> Result<Vec<TenantId>, Error> {
        let tenants = self.inner.control.tenants()?;
        if tenants.iter().any(|row| !row.platform && !allowed.contains(&row.tenant)) {
            let reason = "a backup holds every tenant, and the right to one of them was not proved";
            return Err(refused(to, reason, Code::AuthorizationRequired));
        }
        Ok(tenants.into_iter().map(|row| row.tenant).collect())
    }
}

fn take(
    store: &Store,
    allowed: &BTreeSet<TenantId>,
    to: &Path,
    beside: &[(String, Vec<u8>)],
    tally: &Arc<Tally>,
) -> Result<BackedUp, Error> {
    let inner = &store.inner;
    let folder = &inner.home.folder;
    let _alone = alone(folder)?;
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(exists(to));
    }
    let staging = folder.join(STAGING);
    clear(&staging)?;
    private_folder(&staging)?;
    let folder = folder_of(to);
    if !folder.is_dir() {
        return Err(refused(to, "its folder is not there", Code::ConfigInvalid));
    }
    draft::clear_dead(&folder, draft::BACKUP);
    let (draft, out) = draft::file(&folder)?;
    let done = write((store, allowed), to, (&draft, out), beside, tally);
    clear(&staging)?;
    if done.is_err() {
        // Named by chance and made by us: nothing else is lost with it.
        let _left = std::fs::remove_file(&draft);
    }
    done
}

fn exists(to: &Path) -> Error {
    refused(to, "it exists already; a backup never replaces a file", Code::ConfigInvalid)
}

fn write(
    (store, allowed): (&Store, &BTreeSet<TenantId>),
    to: &Path,
    (draft, out): (&Path, File),
    beside: &[(String, Vec<u8>)],
    tally: &Arc<Tally>,
) -> Result<BackedUp, Error> {
    let inner = &store.inner;
    let made_at = (inner.home.clock)();
    let (key, row) = inner.keys.backup_key(made_at)?;
    let head = Head { platform: inner.keys.platform(), made_at, key: row };
    let fail = |error: std::io::Error| io("write", draft, &error);
    let mut writer = Writer::begin(BufWriter::new(out), draft, key, &head, tally)?;
    tally.begin(What::BytesIn, room(inner, &store.may_take(allowed, to)?));

    // The directory first: a tenant that is made meanwhile is not in it, and a file more is adopted at the start.
    database(inner, &mut writer, &Name::Control, &inner.home.folder.join("control.db"), (CONTROL, None))?;
    let tenants = store.may_take(allowed, to)?;
    notes(&inner.home.folder, &mut writer)?;
    for tenant in tenants.iter().copied() {
        let name = Name::Tenant(tenant);
        database(inner, &mut writer, &name, &inner.home.file(tenant), (TENANT, Some(tenant)))?;
        blobs(inner, &mut writer, tenant)?;
    }
    for (text, bytes) in beside {
        let name = Name::beside(text).ok_or_else(|| Error::Contract(format!("the name `{text}`")))?;
        writer.file(&name.text(), bytes.as_slice())?;
    }
    let (out, totals) = writer.end()?;
    let out = out.into_inner().map_err(|error| fail(error.into_error()))?;
    // If we crash here, a file with a name of its own is left that is not whole; nobody was told of it.
    crash::point("before-backup-sync");
    out.sync_all().map_err(fail)?;
    tally.begin(What::BytesBack, totals.bytes);
    look_again(inner, draft, tally)?;
    let bytes = std::fs::metadata(draft).map_err(fail)?.len();
    rustix::fs::renameat_with(CWD, draft, CWD, to, RenameFlags::NOREPLACE).map_err(|error| match error {
        rustix::io::Errno::EXIST => exists(to),
        other => io("name", to, &other.into()),
    })?;
    // If we crash here, the backup is whole under its name, or after a power cut has none.
    crash::point("after-backup-name");
    sync_folder(&folder_of(to))?;
    // Until here it was locked, and nobody took it for a dead one.
    drop(out);
    Ok(BackedUp { made_at, tenants: tenants.len() as u64, files: totals.files, bytes })
}

/// The bytes that lie there now, roughly: what somebody who waits is told, and nothing else rests on it.
fn room(inner: &Inner, tenants: &[TenantId]) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let below = |folder: &Path| -> u64 {
        std::fs::read_dir(folder)
            .map_or(0, |entries| entries.flatten().map(|entry| size(&entry.path())).sum())
    };
    let of = |tenant: &TenantId| size(&inner.home.file(*tenant)) + below(&inner.home.blobs(*tenant));
    let folder = &inner.home.folder;
    size(&folder.join("control.db")) + below(&known::folder(folder)) + tenants.iter().map(of).sum::<u64>()
}

/// Reads what was written, from the disk's point of view, to its end.
fn look_again(inner: &Inner, draft: &Path, tally: &Tally) -> Result<(), Error> {
    let file = File::open(draft).map_err(|error| io("read", draft, &error))?;
    #[cfg(feature = "weakened")]
    if crate::weakened::seals_nothing(inner.keys.platform()) {
        return Ok(());
    }
    let open = |head: &Head| inner.keys.open_backup(head.platform, &head.key);
    let mut take = |piece: Piece<'_>| {
        if tally.is_given_up() {
            return Err(given_up(draft));
        }
        if let Piece::Data(data) = piece {
            tally.add(data.len() as u64);
        }
        Ok(())
    };
    frames::read(draft, BufReader::new(file), &open, &mut take).map(|_| ())
}

/// One backup at a time; the lock ends with the file.
fn alone(folder: &Path) -> Result<File, Error> {
    let path = folder.join("backup.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|error| io("open", &path, &error))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Error::Unavailable("take two backups at once".to_owned()))?;
    Ok(file)
}

/// Takes away what a crash left of copies.
pub(super) fn clear(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", folder, &error)),
        _ => Ok(()),
    }
}

pub(super) fn folder_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn database(
    inner: &Inner,
    writer: &mut Writer<BufWriter<File>>,
    name: &Name,
    from: &Path,
    (kind, owner): (Kind, Option<TenantId>),
) -> Result<(), Error> {
    let copy = inner.home.folder.join(STAGING).join("copy.db");
    copy_now(from, inner.home.vfs.as_deref(), &copy)?;
    // A backup of something broken would be found out on the worst of days.
    let Found::Ours(mut looked) = file::look(&copy, None, kind, owner)? else {
        return Err(refused(from, "it is empty", Code::LedgerIntegrityFailed));
    };
    look::unbounded(&mut looked.connection)?;
    if let Some(fault) = file::quick_check(&looked.connection)? {
        let reason = format!("it is damaged and no backup is made of it: {fault}");
        return Err(refused(from, &reason, Code::LedgerIntegrityFailed));
    }
    drop(looked);
    let file = File::open(&copy).map_err(|error| io("read", &copy, &error))?;
    writer.file(&name.text(), BufReader::new(file))?;
    std::fs::remove_file(&copy).map_err(|error| io("remove", &copy, &error))
}

/// The database as of one moment: one read transaction, which no writer waits for.
fn copy_now(from: &Path, vfs: Option<&str>, to: &Path) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    drop(file.map_err(|error| io("make", to, &error))?);
    let source = connect(from, vfs, Access::Read)?;
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
    let mut target = Connection::open_with_flags(to, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW).sql()?;
    // The copy is thrown away if anything fails; its pages need neither journal nor sync.
    target.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(())).sql()?;
    target.pragma_update(None, "synchronous", "OFF").sql()?;
    let step = Backup::new(&source, &mut target).sql()?.step(-1).sql()?;
    match step {
        StepResult::Done => Ok(()),
        _ => Err(Error::Unavailable(format!("copy `{}`: somebody else holds it", from.display()))),
    }
}

fn notes(folder: &Path, writer: &mut Writer<BufWriter<File>>) -> Result<(), Error> {
    let named = |text: &str| LedgerId::parse_key(text.strip_suffix(".note")?).ok().map(Name::Note);
    each(&known::folder(folder), named, writer)
}

fn blobs(inner: &Inner, writer: &mut Writer<BufWriter<File>>, tenant: TenantId) -> Result<(), Error> {
    let named = |text: &str| BlobId::parse_key(text).ok().map(|blob| Name::Blob(tenant, blob));
    each(&inner.home.blobs(tenant), named, writer)
}

/// Every file of a folder that has a name of ours; what else lies there is not ours to keep.
fn each(
    folder: &Path,
    named: impl Fn(&str) -> Option<Name>,
    writer: &mut Writer<BufWriter<File>>,
) -> Result<(), Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io("list", folder, &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| io("list", folder, &error))?;
        let Some(name) = entry.file_name().to_str().and_then(&named) else { continue };
        match File::open(entry.path()) {
            Ok(file) => writer.file(&name.text(), BufReader::new(file))?,
            // Erased or swept since the folder was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io("read", &entry.path(), &error)),
        }
    }
    Ok(())
}
