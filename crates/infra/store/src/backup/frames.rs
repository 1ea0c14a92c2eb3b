//! The file of a backup: 16 bytes of magic, a version, a head in clear that holds the wrapped key, and sealed frames.
//!
//! Every frame is authenticated with the digest of all that stands before the first one and with its own number, so that none
//! can be changed, moved, left out, doubled or taken from another backup; the last one says that it is the last. Whoever reads
//! gets a frame only after it has proved to be the next one.

use crate::port::error::Error;
use crate::sqlite::file::refused;
use crate::tally::Tally;
use dvt_keys::{Aad, DataKey, WrappedKey};
use dvt_model::code::Code;
use dvt_model::digest::Digest;
use dvt_model::id::TenantId;
use dvt_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 16] = b"dvt backup file\n";
/// The version of this format.
const VERSION: u16 = 1;
/// The most bytes of a head.
const MOST_HEAD: usize = 16 * 1024;
/// Plain bytes of a frame beside its kind: whole pages of a database.
const PLAIN: usize = 64 * 1024;
/// Sealing adds 28 bytes, the kind is one.
const MOST: usize = PLAIN + 1 + 28;

/// What stands in clear: without the root key it opens nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Head {
    /// The platform tenant of the installation.
    pub(crate) platform: TenantId,
    /// When it was begun.
    pub(crate) made_at: Timestamp,
    /// The key of all frames, under the root key.
    pub(crate) key: WrappedKey,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// A piece of what was put in.
pub(crate) enum Piece<'a> {
    /// A file of this name begins.
    File(&'a str),
    /// The next bytes of it.
    Data(&'a [u8]),
}

const FILE: u8 = b'F';
const DATA: u8 = b'D';
const END: u8 = b'E';

struct Place {
    tenant: TenantId,
    row: String,
}

impl Place {
    fn of(head: &Head, before: &[u8]) -> Self {
        Self { tenant: head.platform, row: dvt_model::digest::hex(&Digest::of(before).0) }
    }

    // INVARIANT(INV-16): a frame opens in its own backup, at its own number, and nowhere else.
    fn aad(&self, number: u64) -> Aad<'_> {
        Aad { tenant: self.tenant, table: "backup", column: "frame", row_key: &self.row, row_version: number }
    }
}

/// Writes one.
pub(crate) struct Writer<W> {
    out: W,
    path: PathBuf,
    key: DataKey,
    place: Place,
    number: u64,
    totals: Totals,
    tally: Arc<Tally>,
}

impl<W: Write> Writer<W> {
    /// Begins; `path` is for messages alone, and `tally` is told of the bytes that were put in.
    pub(crate) fn begin(
        mut out: W,
        path: &Path,
        key: DataKey,
        head: &Head,
        tally: &Arc<Tally>,
    ) -> Result<Self, Error> {
        let text =
            serde_json::to_vec(head).map_err(|_| Error::Contract("the head of a backup".to_owned()))?;
        let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= MOST_HEAD);
        let length = length.ok_or_else(|| Error::Contract("the head of a backup is too long".to_owned()))?;
        let before = [MAGIC.as_slice(), &VERSION.to_be_bytes(), &length.to_be_bytes(), &text].concat();
        out.write_all(&before).map_err(|error| io("write", path, &error))?;
        let place = Place::of(head, &before);
        let totals = Totals { files: 0, bytes: 0 };
        Ok(Self { out, path: path.to_owned(), key, place, number: 0, totals, tally: Arc::clone(tally) })
    }

    /// Puts a file in, as far as it reaches now.
    pub(crate) fn file(&mut self, name: &str, mut from: impl Read) -> Result<(), Error> {
        self.frame(FILE, name.as_bytes())?;
        self.totals.files += 1;
        let mut bytes = Vec::with_capacity(PLAIN);
        loop {
            bytes.clear();
            let read = from.by_ref().take(PLAIN as u64).read_to_end(&mut bytes);
            let read = read.map_err(|error| Error::io(&format!("read `{name}`"), &error))?;
            if self.tally.is_given_up() {
                return Err(given_up(&self.path));
            }
            if read == 0 {
                return Ok(());
            }
            self.frame(DATA, &bytes)?;
            self.totals.bytes += read as u64;
            self.tally.add(read as u64);
        }
    }

    /// Ends it; a file without this is no backup.
    pub(crate) fn end(mut self) -> Result<(W, Totals), Error> {
        let totals = self.totals;
        let text =
            serde_json::to_vec(&totals).map_err(|_| Error::Contract("the end of a backup".to_owned()))?;
        self.frame(END, &text)?;
        self.out.flush().map_err(|error| io("write", &self.path, &error))?;
        Ok((self.out, totals))
    }

    fn frame(&mut self, kind: u8, plain: &[u8]) -> Result<(), Error> {
        let mut whole = Vec::with_capacity(plain.len() + 1);
        whole.push(kind);
        whole.extend_from_slice(plain);
        let sealed = self.seal(&whole)?;
        let length = u32::try_from(sealed.len()).ok().filter(|_| sealed.len() <= MOST);
        let length = length.ok_or_else(|| Error::Contract("a frame is too long".to_owned()))?;
        let written = self.out.write_all(&length.to_be_bytes()).and_then(|()| self.out.write_all(&sealed));
        written.map_err(|error| io("write", &self.path, &error))?;
        self.number += 1;
        Ok(())
    }

    fn seal(&self, whole: &[u8]) -> Result<Vec<u8>, Error> {
        #[cfg(feature = "weakened")]
        if crate::weakened::seals_nothing(self.place.tenant) {
            return Ok(whole.to_vec());
        }
        let sealed = self.key.seal(&self.place.aad(self.number), whole);
        sealed.map_err(|error| crate::seal::keyring::fault(&error))
    }
}

/// Reads one from its beginning to its end; `open` has the key for a head, `take` gets the pieces in order.
pub(crate) fn read(
    path: &Path,
    mut from: impl Read,
    open: &dyn Fn(&Head) -> Result<DataKey, Error>,
    take: &mut dyn FnMut(Piece<'_>) -> Result<(), Error>,
) -> Result<(Head, Totals), Error> {
    let damaged = |reason: &str| refused(path, reason, Code::LedgerIntegrityFailed);
    let foreign = || refused(path, "it is no backup of DVT", Code::ConfigInvalid);
    let mut before = part(path, &mut from, MAGIC.len() + 6)?.ok_or_else(foreign)?;
    let (version, length) = match before.strip_prefix(MAGIC) {
        Some([a, b, rest @ ..]) => {
            (u16::from_be_bytes([*a, *b]), rest.try_into().map_or(0, u32::from_be_bytes))
        }
        Some(_) | None => return Err(foreign()),
    };
    if version != VERSION {
        let reason = format!("its format is version {version}, this release reads version {VERSION}");
        return Err(refused(path, &reason, Code::MigrateNotCalled));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MOST_HEAD {
        return Err(damaged("its head is damaged"));
    }
    let text = part(path, &mut from, length)?.ok_or_else(|| damaged("it is cut within its head"))?;
    let head: Head = serde_json::from_slice(&text).map_err(|_| damaged("its head is damaged"))?;
    before.extend_from_slice(&text);
    let (key, place) = (open(&head)?, Place::of(&head, &before));
    let (mut number, mut seen) = (0, Totals { files: 0, bytes: 0 });
    loop {
        let cut = || damaged("it is cut: its end is missing");
        let length = part(path, &mut from, 4)?.ok_or_else(cut)?;
        let length = length.as_slice().try_into().map_or(0, u32::from_be_bytes);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MOST {
            return Err(damaged(&format!("frame {number} is damaged")));
        }
        let sealed = part(path, &mut from, length)?.ok_or_else(cut)?;
        let plain = key.open(&place.aad(number), &sealed);
        let plain =
            plain.map_err(|_| damaged(&format!("frame {number} is damaged, or not of this backup")))?;
        match plain.split_first() {
            Some((&FILE, name)) => {
                seen.files += 1;
                take(Piece::File(std::str::from_utf8(name).map_err(|_| damaged("a name is no text"))?))?;
            }
            Some((&DATA, data)) => {
                seen.bytes += data.len() as u64;
                take(Piece::Data(data))?;
            }
            Some((&END, text)) => {
                let told: Totals = serde_json::from_slice(text).map_err(|_| damaged("its end is damaged"))?;
                if told != seen {
                    return Err(damaged("it does not hold what its end says"));
                }
                if part(path, &mut from, 1)?.is_some() {
                    return Err(damaged("something stands behind its end"));
                }
                return Ok((head, seen));
            }
            Some(_) | None => return Err(damaged(&format!("frame {number} is of no known kind"))),
        }
        number += 1;
    }
}

/// So many bytes; `None` where fewer are left.
fn part(path: &Path, from: &mut impl Read, length: usize) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = vec![0; length];
    match from.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(io("read", path, &error)),
    }
}

/// Nobody waits for it any longer.
pub(super) fn given_up(path: &Path) -> Error {
    refused(path, "nobody waits for it any longer", Code::Cancelled)
}

/// A fault of the file system at a path.
pub(crate) fn io(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::io(&format!("{verb} `{}`", path.display()), error)
}
