//! The newest signed checkpoint of each ledger, kept outside its database: by it an older copy is noticed (contract 7.7, 24).
//!
//! A note is written by rename after its checkpoint is durable in the file and never before, so it is never ahead of an
//! honest file. It is not synced: after a power cut it may lag behind or be empty, which weakens the notice and harms
//! nothing. Surprising: a note that is there and cannot be believed is a refusal, not a shrug.

use crate::commit::group::Head;
use crate::port::error::Error;
use crate::seal::keyring::Keyring;
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::{Ground, Home};
use dvt_ledger::checkpoint::Checkpoint;
use dvt_ledger::verifier_key::VerifierKey;
use dvt_model::code::Code;
use dvt_model::id::{LedgerId, TenantId};
use rusqlite::{Connection, OptionalExtension, params};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A note is a few hundred bytes.
const MOST: u64 = 16 * 1024;

/// A checkpoint that is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Where it lies.
    pub path: PathBuf,
}

/// The folder of an installation's own notes.
pub fn folder(data: &Path) -> PathBuf {
    data.join("checkpoints")
}

fn path(folder: &Path, ledger: LedgerId) -> PathBuf {
    folder.join(format!("{}.note", ledger.key()))
}

/// The text of a note; `None` where there is none, or where a power cut left nothing but its name.
fn read(path: &Path) -> Result<Option<String>, Error> {
    let fail = |error: std::io::Error| Error::io(&format!("read `{}`", path.display()), &error);
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let opened = OpenOptions::new().read(true).custom_flags(i32::try_from(flags).unwrap_or(0)).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    String::from_utf8(bytes).map(Some).map_err(|_| unbelievable(path, "it is no text"))
}

fn unbelievable(path: &Path, reason: &str) -> Error {
    Error::Refused {
        path: path.display().to_string(),
        reason: format!("the checkpoint that is kept there cannot be believed: {reason}"),
        code: Code::LedgerIntegrityFailed,
    }
}

/// The newest checkpoint of a ledger that the folders know, signed by one of `keys`.
pub fn newest(folders: &[PathBuf], ledger: LedgerId, keys: &[VerifierKey]) -> Result<Option<Known>, Error> {
    let mut newest: Option<Known> = None;
    for folder in folders {
        let path = path(folder, ledger);
        let Some(text) = read(&path)? else { continue };
        let (checkpoint, _) =
            Checkpoint::open(&text, keys).map_err(|error| unbelievable(&path, &error.to_string()))?;
        if checkpoint.origin != dvt_ledger::checkpoint::origin(ledger) {
            return Err(unbelievable(&path, "it is another ledger's"));
        }
        match &newest {
            Some(other) if other.checkpoint.size == checkpoint.size && other.checkpoint != checkpoint => {
                return Err(unbelievable(&path, "another one of this size was signed over other entries"));
            }
            Some(other) if other.checkpoint.size >= checkpoint.size => {}
            _ => newest = Some(Known { checkpoint, path }),
        }
    }
    Ok(newest)
}

/// Keeps a checkpoint that has become durable in its file. What cannot be kept is not: the seal stands without it.
pub(crate) fn keep(ground: &Ground, checkpoint: &Checkpoint, note: &str) {
    for folder in &ground.known {
        // A lost note is a weaker notice; `dvt store check` tells of one that lags behind.
        let _lost = write(folder, ground.ledger, checkpoint.size, note);
    }
}

fn write(folder: &Path, ledger: LedgerId, size: u64, note: &str) -> Result<(), Error> {
    let path = path(folder, ledger);
    // Another process may have been ahead.
    let kept = read(&path)?.and_then(|text| text.lines().nth(1)?.parse::<u64>().ok());
    if kept.is_some_and(|kept| kept >= size) {
        return Ok(());
    }
    let fail = |error: std::io::Error| Error::io(&format!("write `{}`", path.display()), &error);
    let name = dvt_model::digest::hex(&crate::seal::random::<8>());
    let draft = folder.join(format!(".note-{name}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(fail)?;
    // If we crash here, a file of a name of its own is left that nobody reads.
    let written = file.write_all(note.as_bytes()).and_then(|()| std::fs::rename(&draft, &path));
    if written.is_err() {
        let _left = std::fs::remove_file(&draft);
    }
    written.map_err(fail)
}

/// Compares a file with what is known of its ledger, before it is opened for writing.
// INVARIANT(INV-03): an older or another state than one that was signed and is known elsewhere is not written on.
pub(crate) fn judge(
    home: &Home,
    connection: &Connection,
    tenant: TenantId,
    head: &Head,
    keyring: &Keyring,
) -> Result<(), Error> {
    let Some(known) = newest(&home.known, head.ledger, &keyring.verifier_keys()?)? else { return Ok(()) };
    match fault(connection, tenant, head, &known.checkpoint)? {
        None => Ok(()),
        Some(reason) => Err(Error::Refused {
            path: home.file(tenant).display().to_string(),
            reason: format!(
                "{reason} (class 24): put the newer file back, or, if it is lost and what follows is to be lost with it, move `{}` away and keep it as evidence",
                known.path.display()
            ),
            code: Code::LedgerIntegrityFailed,
        }),
    }
}

/// How a file contradicts a checkpoint of its ledger, if it does.
pub(crate) fn fault(
    connection: &Connection,
    tenant: TenantId,
    head: &Head,
    known: &Checkpoint,
) -> Result<Option<String>, Error> {
    if known.size > head.sealed_size {
        return Ok(Some(format!(
            "it is sealed up to {} and a checkpoint of {} is known: an older copy was restored",
            head.sealed_size, known.size
        )));
    }
    let stored: Option<String> = connection
        .cached_row(
            "SELECT note FROM ledger_checkpoint WHERE tenant_id = ?1 AND n = ?2 AND size = ?3",
            params![tenant.bytes(), head.n, column::signed(known.size)],
            |row| row.get(0),
        )
        .optional()
        .sql()?;
    let agrees = stored.is_some_and(|note| note.starts_with(&known.body()));
    Ok((!agrees).then(|| {
        format!("the checkpoint of {} that is known was signed over other entries: an older copy was restored and written on", known.size)
    }))
}
