//! Putting a backup back: all of it is read, written beside the folder, judged and synced; then one rename shows it.
//!
//! A folder that holds anything is refused. Whatever is wrong with the file, nothing of it is left behind. Surprising: a copy
//! that is older than a checkpoint known elsewhere is refused too, unless the caller says that what followed is lost.

use super::draft;
use super::frames::{self, Head, Piece, io};
use super::name::Name;
use super::take::{clear, folder_of};
use crate::commit::group;
use crate::port::error::Error;
use crate::seal::keyring::fault;
use crate::seal::opener::Opener;
use crate::sqlite::file::{self, CONTROL, Found, TENANT, private_folder, refused, sync_folder};
use crate::sqlite::look;
use crate::{Clock, crash, known};
use dvt_keys::RootKey;
use dvt_model::code::Code;
use dvt_model::id::TenantId;
use dvt_model::time::Timestamp;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A small file of whoever keeps the store has at most this many bytes.
const MOST_BESIDE: usize = 64 * 1024;

/// A ledger of which more is known than the backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Older {
    /// Whose.
    pub tenant: TenantId,
    /// The size that is known to have been signed.
    pub known: u64,
    /// What the backup holds of it.
    pub held: u64,
    /// Where the newer checkpoint lies, or was put as evidence.
    pub path: PathBuf,
}

impl Older {
    /// Where the newer checkpoint goes as evidence that entries are lost.
    fn evidence(&self) -> PathBuf {
        self.path.with_extension(format!("lost-{}", self.known))
    }
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was taken.
    pub made_at: Timestamp,
    /// Its tenants, the platform's among them.
    pub tenants: u64,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Ledgers of which entries are lost.
    pub older: Vec<Older>,
    /// Small files that lay beside the store; the caller puts them where they belong.
    pub beside: Vec<(String, Vec<u8>)>,
}

/// Puts a backup back into `folder`, which must be absent or empty. `elsewhere` are folders of checkpoints that are not copied
/// back with the data: an older backup is noticed by them, and only taken with `accept_loss`.
pub fn restore(
    backup: &Path,
    folder: &Path,
    root: RootKey,
    elsewhere: &[PathBuf],
    accept_loss: bool,
    clock: Clock,
) -> Result<Restored, Error> {
    let (parent, _made) = place_beside(folder)?;
    draft::clear_dead(&parent, draft::RESTORE);
    // Locked until it has its name, or is gone.
    let (draft, _held) = draft::folder(&parent)?;
    let done = unpack_and_judge((backup, &draft), root, elsewhere, accept_loss, clock);
    let shown = done.and_then(|restored| show(&draft, folder).map(|()| restored));
    let mut restored = match shown {
        Ok(restored) => restored,
        Err(error) => {
            clear(&draft)?;
            return Err(error);
        }
    };
    for older in &mut restored.older {
        // If we crash before this, the start refuses the older copy and says where the newer checkpoint lies.
        let evidence = older.evidence();
        std::fs::rename(&older.path, &evidence).map_err(|error| io("move", &older.path, &error))?;
        older.path = evidence;
    }
    Ok(restored)
}

/// What [`restore`] would put back, or be refused for: all of the backup is unpacked beside the folder, judged and removed. `path` of
/// what is older says where the evidence would lie.
pub fn would_restore(
    backup: &Path,
    folder: &Path,
    root: RootKey,
    elsewhere: &[PathBuf],
    accept_loss: bool,
    clock: Clock,
) -> Result<Restored, Error> {
    let (parent, made) = place_beside(folder)?;
    // If we crash here or later, a draft is left that the next restore removes.
    let done = draft::folder(&parent).and_then(|(draft, _held)| {
        let done = unpack_and_judge((backup, &draft), root, elsewhere, accept_loss, clock);
        clear(&draft)?;
        done
    });
    for made in made {
        // Where somebody put something meanwhile, it stays.
        let _left = std::fs::remove_dir(made);
    }
    let mut restored = done?;
    restored.older.iter_mut().for_each(|older| older.path = older.evidence());
    Ok(restored)
}

/// Where a draft of the folder lies, which must be absent or empty; and what was made for that, the innermost first.
fn place_beside(folder: &Path) -> Result<(PathBuf, Vec<PathBuf>), Error> {
    must_be_empty(folder)?;
    let parent = folder_of(folder);
    let missing =
        parent.ancestors().take_while(|ancestor| is_missing(ancestor)).map(Path::to_owned).collect();
    if !parent.is_dir() {
        private_folder(&parent)?;
    }
    Ok((parent, missing))
}

fn is_missing(folder: &Path) -> bool {
    !folder.as_os_str().is_empty() && !folder.exists()
}

fn must_be_empty(folder: &Path) -> Result<(), Error> {
    let empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if empty { Ok(()) } else { Err(not_empty(folder)) }
}

fn unpack_and_judge(
    (backup, draft): (&Path, &Path),
    root: RootKey,
    elsewhere: &[PathBuf],
    accept_loss: bool,
    clock: Clock,
) -> Result<Restored, Error> {
    let (head, restored) = unpack(backup, draft, &root)?;
    let older = judge(draft, &head, root, elsewhere, clock)?;
    if let Some(first) = older.first().filter(|_| !accept_loss) {
        let reason = format!(
            "it holds {} entries of the ledger of tenant {} and a checkpoint of {} is known (class 24), see `{}`",
            first.held,
            first.tenant,
            first.known,
            first.path.display()
        );
        return Err(refused(backup, &reason, Code::LedgerIntegrityFailed));
    }
    Ok(Restored { older, ..restored })
}

fn not_empty(folder: &Path) -> Error {
    refused(folder, "it is not empty; a backup is only put back into an empty folder", Code::ConfigInvalid)
}

/// Shows it: from here on it is the store.
fn show(draft: &Path, folder: &Path) -> Result<(), Error> {
    // If we crash here, a folder with a name of its own is left that nobody reads, and the store is still empty.
    crash::point("before-restore-name");
    // An empty folder is replaced; one that holds anything by now is not.
    std::fs::rename(draft, folder).map_err(|error| match error.kind() {
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => not_empty(folder),
        _ => io("name", folder, &error),
    })?;
    crash::point("after-restore-name");
    sync_folder(&folder_of(folder))
}

/// A file that is being written.
enum Open {
    Nothing,
    File(File, PathBuf),
    Beside(String, Vec<u8>),
}

struct Unpacking<'a> {
    backup: &'a Path,
    draft: &'a Path,
    open: Open,
    folders: BTreeSet<PathBuf>,
    tenants: u64,
    beside: Vec<(String, Vec<u8>)>,
}

impl Unpacking<'_> {
    fn take(&mut self, piece: Piece<'_>) -> Result<(), Error> {
        match piece {
            Piece::File(text) => {
                self.close()?;
                let damaged =
                    || refused(self.backup, "it holds a name of no known kind", Code::LedgerIntegrityFailed);
                let name = Name::parse(text).ok_or_else(damaged)?;
                self.tenants += u64::from(matches!(name, Name::Tenant(_)));
                self.open = match (name.place(), name) {
                    (Some(place), _) => self.begin(&self.draft.join(place))?,
                    (None, Name::Beside(text)) => Open::Beside(text, Vec::new()),
                    (None, _) => Open::Nothing,
                };
                Ok(())
            }
            Piece::Data(data) => match &mut self.open {
                Open::File(file, path) => file.write_all(data).map_err(|error| io("write", path, &error)),
                Open::Beside(_, bytes) if bytes.len() + data.len() <= MOST_BESIDE => {
                    bytes.extend_from_slice(data);
                    Ok(())
                }
                Open::Beside(..) | Open::Nothing => {
                    Err(refused(self.backup, "it holds bytes of no file", Code::LedgerIntegrityFailed))
                }
            },
        }
    }

    fn begin(&mut self, path: &Path) -> Result<Open, Error> {
        let folder = folder_of(path);
        private_folder(&folder)?;
        self.folders.insert(folder);
        // A name that comes twice is refused here.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        Ok(Open::File(file.map_err(|error| io("make", path, &error))?, path.to_owned()))
    }

    fn close(&mut self) -> Result<(), Error> {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => Ok(()),
            Open::File(file, path) => file.sync_all().map_err(|error| io("sync", &path, &error)),
            Open::Beside(text, bytes) => {
                self.beside.push((text, bytes));
                Ok(())
            }
        }
    }
}

fn unpack(backup: &Path, draft: &Path, root: &RootKey) -> Result<(Head, Restored), Error> {
    let file = File::open(backup).map_err(|error| match error.kind() {
        ErrorKind::NotFound => refused(backup, "there is no such file", Code::NotFound),
        _ => io("read", backup, &error),
    })?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(refused(backup, "it is no plain file", Code::ConfigInvalid));
    }
    let open = |head: &Head| {
        dvt_keys::backup::open(root, head.platform, &head.key).map_err(|error| match fault(&error) {
            Error::Decrypt => refused(
                backup,
                "it was made under another root key, or its head is damaged",
                Code::KeyUnavailable,
            ),
            other => other,
        })
    };
    let mut unpacking = Unpacking {
        backup,
        draft,
        open: Open::Nothing,
        folders: BTreeSet::new(),
        tenants: 0,
        beside: Vec::new(),
    };
    let (head, totals) =
        frames::read(backup, BufReader::new(file), &open, &mut |piece| unpacking.take(piece))?;
    unpacking.close()?;
    for folder in &unpacking.folders {
        sync_folder(folder)?;
        sync_folder(&folder_of(folder))?;
    }
    sync_folder(draft)?;
    let restored = Restored {
        made_at: head.made_at,
        tenants: unpacking.tenants,
        files: totals.files,
        bytes: totals.bytes,
        older: Vec::new(),
        beside: unpacking.beside,
    };
    Ok((head, restored))
}

/// Looks at every database of the draft as at one of an installation; gives the ledgers of which more is known.
fn judge(
    draft: &Path,
    head: &Head,
    root: RootKey,
    elsewhere: &[PathBuf],
    clock: Clock,
) -> Result<Vec<Older>, Error> {
    whole(&draft.join("control.db"), CONTROL, None)?;
    let file = |tenant: TenantId| crate::Store::ledger_path(draft, tenant);
    let platform = whole(&file(head.platform), TENANT, Some(head.platform))?;
    let opener = Arc::new(Opener::again(root, &platform.connection, head.platform, clock)?);
    let mut older = Vec::new();
    let folder = draft.join("tenants");
    for entry in std::fs::read_dir(&folder).map_err(|error| io("list", &folder, &error))? {
        let path = entry.map_err(|error| io("list", &folder, &error))?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let Some(tenant) = stem.and_then(|stem| TenantId::parse_key(stem).ok()) else { continue };
        let looked = whole(&path, TENANT, Some(tenant))?;
        let head = group::head(&looked.connection, tenant)?;
        let keyring = opener.open(&looked.connection, (tenant, head.ledger), (&path, None))?;
        let Some(known) = known::newest(elsewhere, head.ledger, &keyring.verifier_keys()?)? else { continue };
        if known::fault(&looked.connection, tenant, &head, &known.checkpoint)?.is_some() {
            let (known, path) = (known.checkpoint.size, known.path);
            older.push(Older { tenant, known, held: head.sealed_size, path });
        }
    }
    Ok(older)
}

fn whole(path: &Path, kind: file::Kind, owner: Option<TenantId>) -> Result<file::Looked, Error> {
    let lacking = || refused(path, "the backup does not hold it", Code::LedgerIntegrityFailed);
    let found = file::look(path, None, kind, owner).map_err(|error| match error {
        Error::NotFound => lacking(),
        other => other,
    })?;
    let Found::Ours(mut looked) = found else { return Err(lacking()) };
    look::unbounded(&mut looked.connection)?;
    match file::quick_check(&looked.connection)? {
        None => Ok(looked),
        Some(fault) => Err(refused(path, &fault, Code::LedgerIntegrityFailed)),
    }
}
