//! Step logs: one blob per (run, step, attempt), appended in frames under the run's key of the step's class, or under the key of
//! whom the step's data is about.
//!
//! Not synced at each append: a crash may lose the tail, never the order. A torn tail is cut off before the next append; a
//! frame that does not open in the middle of the file is damage.

use super::{frame, io, path};
use crate::port::error::Error;
use crate::port::operation::{LogChunk, LogMark, Protection};
use crate::seal::keyring::SealKey;
use crate::sqlite::{Cached, Sql, column};
use crate::tenant::Tenant;
use dvt_model::id::{BlobId, KeyId, RunId, StepId};
use dvt_model::scope::ScopeIds;
use dvt_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

/// The attempt that wrote.
pub(crate) type Key = (RunId, StepId, u32);

/// The most logs that are kept open.
const MOST_OPEN: usize = 256;

/// An open log.
pub(crate) struct Writer {
    blob: BlobId,
    key: SealKey,
    file: File,
    frames: u64,
}

fn find(connection: &Connection, tenant: &Tenant, key: &Key) -> Result<Option<(BlobId, KeyId)>, Error> {
    let row: Option<(Vec<u8>, Vec<u8>)> = connection
        .cached_row(
            "SELECT blob_id, key_id FROM blob WHERE tenant_id = ?1 AND run_id = ?2 AND step_id = ?3 AND attempt = ?4 AND kind = 'log'",
            params![tenant.id.bytes(), key.0.bytes(), key.1.as_str(), key.2],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
        .sql()?;
    row.map(|(blob, id)| Ok((column::id(&blob, BlobId::from_bytes)?, column::id(&id, KeyId::from_bytes)?)))
        .transpose()
}

/// Makes sure that the log has its row. The row comes first: a file without row could never be read.
pub(crate) async fn ensure(
    tenant: &Arc<Tenant>,
    scope: ScopeIds,
    key: Key,
    under: Protection,
) -> Result<(), Error> {
    if tenant.logs().contains_key(&key) {
        return Ok(());
    }
    let (here, wanted, class) = (Arc::clone(tenant), key.clone(), under.class);
    let known = tenant.lanes.run(move |lane| {
        let holding = here.keyring.run_key(lane, wanted.0, under.class, under.about.as_ref())?;
        Ok((find(lane, &here, &wanted)?.is_some(), holding))
    });
    let (is_known, holding) = known.await?;
    if is_known {
        return Ok(());
    }
    let blob = BlobId::from_random(crate::seal::random());
    let (now, id, row) = ((tenant.clock)(), holding.id(), holding.undurable());
    let written = tenant.committer.write(0, move |group| {
        if let Some(row) = row {
            crate::seal::rows::insert(group.connection, group.tenant, &[row])?;
        }
        group.connection.execute(
            "INSERT INTO blob (tenant_id, blob_id, kind, project_id, environment_id, run_id, step_id, attempt, class, key_id,
                size, created_at)
             VALUES (?1, ?2, 'log', ?3, ?4, ?5, ?6, ?7, ?10, ?8, 0, ?9)
             ON CONFLICT (tenant_id, run_id, step_id, attempt) WHERE kind = 'log' DO NOTHING",
            params![
                group.tenant.bytes(),
                blob.bytes(),
                scope.project_id.bytes(),
                scope.environment_id.bytes(),
                key.0.bytes(),
                key.1.as_str(),
                key.2,
                id.bytes(),
                now.ms(),
                class.as_str()
            ],
        )?;
        Ok(())
    });
    written.await.map_err(Error::of)?;
    holding.became_durable();
    Ok(())
}

/// Appends a piece; on a lane.
pub(crate) fn append(tenant: &Tenant, lane: &Connection, key: &Key, chunk: &LogChunk) -> Result<(), Error> {
    let mut logs = tenant.logs();
    if !logs.contains_key(key) {
        if logs.len() >= MOST_OPEN {
            logs.pop_first();
        }
        logs.insert(key.clone(), open(tenant, lane, key)?);
    }
    let Some(writer) = logs.get_mut(key) else { return Err(Error::NotFound) };
    let mut rest = chunk.text.as_str();
    loop {
        let (text, behind) = cut(rest, frame::PLAIN / 8);
        let plain = json!({ "stream": chunk.stream, "at": chunk.at, "text": text }).to_string();
        let at = frame::At { blob: writer.blob, number: writer.frames, last: false };
        let sealed = frame::seal(tenant, &writer.key, at, plain.as_bytes())?;
        if let Err(error) = writer.file.write_all(&sealed) {
            // The frame may be half there; the next opening cuts it off.
            logs.remove(key);
            return Err(io("append to", &error));
        }
        writer.frames += 1;
        rest = behind;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// At most `most` bytes of a text, cut between characters.
fn cut(text: &str, most: usize) -> (&str, &str) {
    let mut at = text.len().min(most);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.split_at(at)
}

fn open(tenant: &Tenant, lane: &Connection, key: &Key) -> Result<Writer, Error> {
    let (blob, id) = find(lane, tenant, key)?.ok_or(Error::NotFound)?;
    let seal = tenant.keyring.seal_key(lane, id)?.ok_or(Error::NotFound)?;
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path(tenant, blob))
        .map_err(|error| io("open", &error))?;
    let stored = std::fs::read(path(tenant, blob)).map_err(|error| io("read", &error))?;
    let (frames, end) = good(tenant, &seal, (blob, 0), &stored)?;
    file.set_len(end).map_err(|error| io("cut", &error))?;
    file.seek(SeekFrom::Start(end)).map_err(|error| io("seek in", &error))?;
    Ok(Writer { blob, key: seal, file, frames: frames.len() as u64 })
}

/// The frames from the `first` on that open, and where they end. Only the last whole frame may fail: a crash can leave its bytes
/// unwritten.
fn good(
    tenant: &Tenant,
    key: &SealKey,
    (blob, first): (BlobId, u64),
    stored: &[u8],
) -> Result<(Vec<Vec<u8>>, u64), Error> {
    let split = frame::split(stored);
    let (mut frames, mut end) = (Vec::with_capacity(split.whole.len()), 0);
    for (number, (sealed, upto)) in split.whole.iter().zip(&split.ends).enumerate() {
        let at = frame::At { blob, number: first + number as u64, last: false };
        match frame::open(tenant, key, at, sealed) {
            Ok(plain) => frames.push(plain),
            Err(_) if number + 1 == split.whole.len() => break,
            Err(error) => return Err(error),
        }
        end = *upto;
    }
    Ok((frames, end))
}

/// What was written behind a mark, and the mark behind that. A mark of another log opens nothing.
pub(crate) fn read(
    tenant: &Tenant,
    lane: &Connection,
    key: &Key,
    mark: LogMark,
) -> Result<(Vec<LogChunk>, LogMark), Error> {
    let Some((blob, id)) = find(lane, tenant, key)? else {
        // Never written, ended by its age, or gone with the run's key: the last is told apart.
        return match crate::erase::keys::has_ordinary(lane, tenant.id, key.0)? {
            true => Ok((Vec::new(), mark)),
            false => Err(Error::erased()),
        };
    };
    let seal = tenant.keyring.seal_key(lane, id)?.ok_or_else(Error::erased)?;
    let mut file = match File::open(path(tenant, blob)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), mark)),
        Err(error) => return Err(io("read", &error)),
    };
    let mut stored = Vec::new();
    file.seek(SeekFrom::Start(mark.bytes)).map_err(|error| io("seek in", &error))?;
    file.read_to_end(&mut stored).map_err(|error| io("read", &error))?;
    let (frames, end) = good(tenant, &seal, (blob, mark.frames), &stored)?;
    let behind = LogMark { frames: mark.frames + frames.len() as u64, bytes: mark.bytes + end };
    let chunks: Result<Vec<LogChunk>, Error> =
        frames.iter().map(|plain| chunk(plain).ok_or(Error::Decrypt)).collect();
    Ok((chunks?, behind))
}

/// Whether every whole frame opens; a log of which nothing was written yet is fine.
pub(crate) fn check(tenant: &Tenant, key: &SealKey, blob: BlobId) -> Result<(), Error> {
    match std::fs::read(path(tenant, blob)) {
        Ok(stored) => good(tenant, key, (blob, 0), &stored).map(|_| ()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io("read", &error)),
    }
}

fn chunk(plain: &[u8]) -> Option<LogChunk> {
    let value: Value = serde_json::from_slice(plain).ok()?;
    Some(LogChunk {
        stream: value.get("stream")?.as_str()?.to_owned(),
        at: Timestamp::parse(value.get("at")?.as_str()?)?,
        text: value.get("text")?.as_str()?.to_owned(),
    })
}
