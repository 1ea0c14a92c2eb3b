//! The row of `ledger_payload`: all payloads of a block under one key, each with its salt.
//!
//! The AAD names table, column and the block's id, which was minted before the transaction; an index is never part of it.
//! Surprising: which fields went to blobs stands beside the payload, inside the seal, and never in it, so that a value which
//! merely looks like a blob reference stays a value.

use super::keyring::SealKey;
use crate::port::error::Error;
use crate::tenant::Ground;
use dvt_ledger::leaf::Salt;
use dvt_model::digest::{hex, unhex};
use dvt_model::id::BlockId;
use serde_json::Value;
use std::borrow::Cow;

/// A payload outside its seal.
pub(crate) struct Opened {
    /// The entry's place in its block.
    pub(crate) offset: usize,
    /// The salt of its commitment.
    pub(crate) salt: Salt,
    /// Its canonical bytes.
    pub(crate) canonical: Vec<u8>,
    /// Its fields whose values lie in blobs.
    pub(crate) blobs: Vec<String>,
}

const TABLE: &str = "ledger_payload";
const COLUMN: &str = "sealed";

/// Seals the payloads of one key.
// INVARIANT(INV-16): a payload is sealed before it reaches SQLite; neither file nor write-ahead log ever holds it in clear.
pub(crate) fn seal(
    tenant: &Ground,
    key: &SealKey,
    block: BlockId,
    opened: &[Opened],
) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::with_capacity(opened.iter().map(|one| one.canonical.len() + 128).sum());
    plain.push(b'[');
    for (place, one) in opened.iter().enumerate() {
        if place > 0 {
            plain.push(b',');
        }
        let blobs = match one.blobs.is_empty() {
            true => Cow::Borrowed("[]"),
            false => Cow::Owned(serde_json::to_string(&one.blobs).unwrap_or_default()),
        };
        let (at, salt) = (one.offset, hex(&one.salt));
        plain.extend_from_slice(
            format!("{{\"at\":{at},\"salt\":\"{salt}\",\"blobs\":{blobs},\"payload\":").as_bytes(),
        );
        plain.extend_from_slice(&one.canonical);
        plain.push(b'}');
    }
    plain.push(b']');
    #[cfg(feature = "weakened")]
    if crate::weakened::payloads_in_clear(tenant.id) {
        return Ok(plain);
    }
    key.seal(&tenant.keyring, (TABLE, COLUMN), &block.key(), 0, &plain)
}

/// Opens the payloads of one key.
pub(crate) fn open(
    tenant: &Ground,
    key: &SealKey,
    block: BlockId,
    sealed: &[u8],
) -> Result<Vec<Opened>, Error> {
    let plain = key.open(&tenant.keyring, (TABLE, COLUMN), &block.key(), 0, sealed)?;
    let Ok(Value::Array(rows)) = serde_json::from_slice::<Value>(&plain) else { return Err(Error::Decrypt) };
    rows.into_iter().map(|row| read(row).ok_or(Error::Decrypt)).collect()
}

fn read(mut row: Value) -> Option<Opened> {
    let offset = usize::try_from(row.get("at")?.as_u64()?).ok()?;
    let salt = unhex(row.get("salt")?.as_str()?)?.try_into().ok()?;
    let blobs = row
        .get("blobs")?
        .as_array()?
        .iter()
        .map(|name| Some(name.as_str()?.to_owned()))
        .collect::<Option<_>>()?;
    let canonical = dvt_model::canonical::to_bytes(&row.get_mut("payload")?.take()).ok()?;
    Some(Opened { offset, salt, canonical, blobs })
}
