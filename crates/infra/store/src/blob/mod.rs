//! The folder of sealed blobs of a tenant: large values, bundles, step logs.
//!
//! Names are random ids; every frame is sealed with blob id and frame number in its AAD, so frames can neither be moved nor
//! swapped. A blob is synced before the entry that names it; one that no row names is swept after a day.

pub(crate) mod bundle;
pub(crate) mod frame;
pub(crate) mod log;
#[cfg(not(feature = "watched-blobs"))]
pub(crate) mod seam;
#[cfg(feature = "watched-blobs")]
pub mod seam;
pub(crate) mod value;

use crate::crash;
use crate::port::error::Error;
use crate::seal::keyring::SealKey;
use crate::sqlite::file::sync_folder;
use crate::tenant::Ground;
use dvt_model::id::BlobId;
use seam::Did;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Where a blob lies.
pub(crate) fn path(tenant: &Ground, blob: BlobId) -> PathBuf {
    tenant.blobs.join(blob.key())
}

pub(crate) fn io(what: &str, error: &std::io::Error) -> Error {
    Error::io(&format!("{what} a blob"), error)
}

/// Writes a whole blob and makes it durable, name included.
pub(crate) fn put(tenant: &Ground, key: &SealKey, bytes: &[u8]) -> Result<BlobId, Error> {
    let blob = BlobId::from_random(crate::seal::random());
    let place = path(tenant, blob);
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&place)
        .map_err(|error| io("make", &error))?;
    seam::did(&place, Did::Made);
    let last = bytes.len().div_ceil(frame::PLAIN).max(1) - 1;
    let mut rest = bytes;
    for number in 0..=last {
        let (plain, behind) = rest.split_at(rest.len().min(frame::PLAIN));
        let sealed =
            frame::seal(tenant, key, frame::At { blob, number: number as u64, last: number == last }, plain)?;
        file.write_all(&sealed).map_err(|error| io("write", &error))?;
        seam::did(&place, Did::Added(&sealed));
        rest = behind;
    }
    // If we crash here, a file that no row names lies in the folder; the sweep takes it.
    crash::point("before-blob-sync");
    file.sync_all().map_err(|error| io("sync", &error))?;
    seam::did(&place, Did::Synced);
    sync_folder(&tenant.blobs)?;
    seam::did(&place, Did::Named);
    // If we crash here, it is durable and still nobody names it.
    crash::point("after-blob-sync");
    Ok(blob)
}

/// Removes a blob's file; one that is gone already is fine.
pub(crate) fn remove(tenant: &Ground, blob: BlobId) -> Result<(), Error> {
    let place = path(tenant, blob);
    match std::fs::remove_file(&place) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", &error)),
        Err(_) => Ok(()),
        Ok(()) => {
            seam::did(&place, Did::Removed);
            Ok(())
        }
    }
}

/// Reads a whole blob of `size` bytes; `None` when its file is gone (erased or swept).
pub(crate) fn get(tenant: &Ground, key: &SealKey, blob: BlobId, size: u64) -> Result<Option<Vec<u8>>, Error> {
    let stored = match std::fs::read(path(tenant, blob)) {
        Ok(stored) => stored,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("read", &error)),
    };
    let frames: Vec<&[u8]> = frame::split(&stored).whole;
    let mut out = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(stored.len()));
    for (number, sealed) in frames.iter().enumerate() {
        let at = frame::At { blob, number: number as u64, last: number + 1 == frames.len() };
        out.extend_from_slice(&frame::open(tenant, key, at, sealed)?);
    }
    if out.len() as u64 != size {
        return Err(Error::Decrypt);
    }
    Ok(Some(out))
}
