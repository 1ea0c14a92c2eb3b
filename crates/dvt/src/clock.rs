//! The present.

use dvt_model::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
