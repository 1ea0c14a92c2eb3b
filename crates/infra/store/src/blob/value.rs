//! Large values of a payload: fields over 64 KiB lie in a blob and stand in the payload as `{blob, size, commit}`.
//!
//! The blob holds salt and canonical value; the commitment is the payload's own kind, `SHA-256(0x02 || salt || value)`, so it
//! tells nothing once the key is gone.

use super::{get, put};
use crate::port::error::Error;
use crate::seal::keyring::SealKey;
use crate::tenant::Ground;
use dvt_ledger::leaf::{Salt, payload_commit};
use dvt_model::canonical;
use dvt_model::digest::Digest;
use dvt_model::id::BlobId;
use serde_json::{Value, json};

/// Beyond this a value does not stay in its payload.
const LARGE: usize = 64 * 1024;
/// The largest value there may be (contract 6.7).
const MAX_VALUE: usize = 8 * 1024 * 1024;

/// A value that went to a blob.
pub(crate) struct Stored {
    pub(crate) field: String,
    pub(crate) blob: BlobId,
    pub(crate) size: u64,
}

/// Moves the large top-level fields of a payload to blobs.
pub(crate) fn externalise(tenant: &Ground, key: &SealKey, payload: &mut Value) -> Result<Vec<Stored>, Error> {
    let Value::Object(fields) = payload else { return Ok(Vec::new()) };
    let mut moved = Vec::new();
    for (field, value) in fields.iter_mut() {
        if !may_be_large(value) {
            continue;
        }
        let bytes =
            canonical::to_bytes(value).map_err(|error| Error::Contract(format!("a payload: {error}")))?;
        if bytes.len() <= LARGE {
            continue;
        }
        if bytes.len() > MAX_VALUE {
            return Err(Error::Contract(format!(
                "the value of `{field}` has {} bytes; at most {MAX_VALUE} are allowed",
                bytes.len()
            )));
        }
        let salt: Salt = crate::seal::random();
        let commit = payload_commit(&salt, &bytes);
        let mut content = salt.to_vec();
        content.extend_from_slice(&bytes);
        let blob = put(tenant, key, &content)?;
        *value = json!({ "blob": blob, "size": bytes.len(), "commit": commit });
        moved.push(Stored { field: field.clone(), blob, size: content.len() as u64 });
    }
    Ok(moved)
}

/// What cannot be large, however much of it is escaped, needs no measuring.
fn may_be_large(value: &Value) -> bool {
    most(value) > LARGE
}

/// No value has a longer canonical form.
fn most(value: &Value) -> usize {
    let text = |text: &String| 6 * text.len() + 3;
    match value {
        Value::Null | Value::Bool(_) => 6,
        Value::Number(_) => 32,
        Value::String(value) => text(value),
        Value::Array(items) => items.iter().map(|item| most(item) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, item)| text(key) + most(item) + 2).sum::<usize>() + 2,
    }
}

/// Brings the values back into a payload; `false` when one of them is gone.
pub(crate) fn bring_back(
    tenant: &Ground,
    key: &SealKey,
    payload: &mut Value,
    fields: &[String],
) -> Result<bool, Error> {
    for field in fields {
        let value = payload.get_mut(field).ok_or(Error::Decrypt)?;
        let (blob, size, commit) = reference(value).ok_or(Error::Decrypt)?;
        let Some(content) = get(tenant, key, blob, size + 32)? else { return Ok(false) };
        let (salt, bytes) = content.split_first_chunk::<32>().ok_or(Error::Decrypt)?;
        if payload_commit(salt, bytes) != commit {
            return Err(Error::integrity(format!("the blob `{blob}` does not match its commitment")));
        }
        *value = serde_json::from_slice(bytes).map_err(|_| Error::Decrypt)?;
    }
    Ok(true)
}

fn reference(value: &Value) -> Option<(BlobId, u64, Digest)> {
    let blob = BlobId::parse(value.get("blob")?.as_str()?).ok()?;
    Some((blob, value.get("size")?.as_u64()?, Digest::parse(value.get("commit")?.as_str()?)?))
}
