//! The packed `files` of a plan: a canonical header, then the contents, in the order of their paths.
//!
//! Layout: header length (32-bit big-endian), header `{"files":[{"executable","path","sha256","sizeBytes"},…]}` in canonical
//! form, contents one after another. The digest is SHA-256 of all of it, which is also what the store keeps it under. Pure:
//! reading the folder is the caller's job, and so is writing. There are no links, no empty folders, no times and no owners
//! in it, so the same files are the same bundle everywhere.

use dvt_model::canonical;
use dvt_model::digest::{Digest, hex, unhex};
use serde::{Deserialize, Serialize};

/// The largest bundle, header included.
pub const MAX_BYTES: usize = 32 << 20;
/// The largest number of files.
pub const MAX_FILES: usize = 10_000;

/// One regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative, with `/`.
    pub path: String,
    /// Whether it may be executed.
    pub executable: bool,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Why files cannot be packed, or bytes are no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Absolute, climbing, or not a plain path.
    #[error("`{0}` is no plain relative path")]
    Path(String),
    /// Twice the same path, or a file where another has its folder.
    #[error("`{0}` is there twice, or is a file and a folder")]
    Twice(String),
    /// Too many files.
    #[error("{0} files are more than {MAX_FILES}")]
    TooMany(usize),
    /// Too large.
    #[error("{0} bytes of files are more than {MAX_BYTES}")]
    TooLarge(usize),
    /// Not this format.
    #[error("the bundle cannot be read")]
    Format,
    /// Another bundle than the one asked for, or a changed one.
    #[error("the bundle is not the one with digest `{0}`")]
    Digest(Digest),
    /// A content that is not what the header says.
    #[error("the content of `{0}` is not what the bundle's header says")]
    Content(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    files: Vec<FileHeader>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileHeader {
    path: String,
    executable: bool,
    size_bytes: usize,
    sha256: String,
}

/// Packs files; their order does not matter.
pub fn pack(mut entries: Vec<Entry>) -> Result<(Digest, Vec<u8>), Error> {
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    check_paths(entries.iter().map(|entry| entry.path.as_str()))?;
    let files = entries.iter().map(|entry| FileHeader {
        path: entry.path.clone(),
        executable: entry.executable,
        size_bytes: entry.content.len(),
        sha256: hex(&Digest::of(&entry.content).0),
    });
    let header = canonical::of(&Header { files: files.collect() }).map_err(|_| Error::Format)?;
    let total = entries.iter().fold(4 + header.len(), |sum, entry| sum.saturating_add(entry.content.len()));
    if total > MAX_BYTES {
        return Err(Error::TooLarge(total));
    }
    let length = u32::try_from(header.len()).map_err(|_| Error::TooLarge(total))?;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&header);
    entries.iter().for_each(|entry| bytes.extend_from_slice(&entry.content));
    Ok((Digest::of(&bytes), bytes))
}

/// Reads a bundle and checks all of it: digest, canonical form, paths, each content, nothing behind.
pub fn unpack(bytes: &[u8], expected: &Digest) -> Result<Vec<Entry>, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::TooLarge(bytes.len()));
    }
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Error::Format)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (header, mut rest) = rest.split_at_checked(length).ok_or(Error::Format)?;
    if Digest::of(bytes) != *expected {
        return Err(Error::Digest(*expected));
    }
    let read: Header = canonical::read(header).map_err(|_| Error::Format)?;
    if canonical::of(&read).ok().as_deref() != Some(header) {
        return Err(Error::Format);
    }
    check_paths(read.files.iter().map(|file| file.path.as_str()))?;
    let mut entries = Vec::with_capacity(read.files.len());
    for file in read.files {
        let (content, behind) = rest.split_at_checked(file.size_bytes).ok_or(Error::Format)?;
        if unhex(&file.sha256).as_deref() != Some(Digest::of(content).0.as_slice()) {
            return Err(Error::Content(file.path));
        }
        entries.push(Entry { path: file.path, executable: file.executable, content: content.to_vec() });
        rest = behind;
    }
    if rest.is_empty() { Ok(entries) } else { Err(Error::Format) }
}

/// Whether a path is plain: relative, no empty, `.` or `..` component, nothing that a terminal or kernel reads otherwise.
pub fn is_plain_path(path: &str) -> bool {
    path.len() <= 1024
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.len() <= 255)
}

/// `paths` in byte order; refuses what two files cannot be at once.
fn check_paths<'a>(paths: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Error> {
    if paths.len() > MAX_FILES {
        return Err(Error::TooMany(paths.len()));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut last: Option<&str> = None;
    for path in paths {
        if !is_plain_path(path) {
            return Err(Error::Path(path.to_owned()));
        }
        if last.is_some_and(|last| last >= path) {
            return Err(Error::Twice(path.to_owned()));
        }
        // A folder sorts before what lies in it, so a file in the way has been seen by now.
        if path.match_indices('/').any(|(at, _)| path.get(..at).is_some_and(|folder| seen.contains(folder))) {
            return Err(Error::Twice(path.to_owned()));
        }
        seen.insert(path);
        last = Some(path);
    }
    Ok(())
}
