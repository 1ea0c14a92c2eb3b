//! Reading columns back into words: whatever is not exactly what was written is an integrity error, never a default.

use crate::port::error::Error;
use dvt_model::id::InvalidId;
use dvt_model::time::Timestamp;

/// An id's 16 bytes.
pub(crate) fn id<T>(bytes: &[u8], read: fn(&[u8]) -> Result<T, InvalidId>) -> Result<T, Error> {
    read(bytes).map_err(|_| damaged("an id"))
}

/// 32 bytes.
pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| damaged("a hash"))
}

/// A number that is never negative.
pub(crate) fn unsigned(value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| damaged("a count"))
}

/// For binding: numbers beyond 2^63 do not occur.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A time in milliseconds.
pub(crate) fn time(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

/// A word of a closed list.
pub(crate) fn word<T>(value: Option<T>, what: &str) -> Result<T, Error> {
    value.ok_or_else(|| damaged(what))
}

fn damaged(what: &str) -> Error {
    Error::integrity(format!("a column does not hold {what}"))
}
