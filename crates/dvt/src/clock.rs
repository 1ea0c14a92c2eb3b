//! The present. Test builds can be told to live some days later: the only clock that a process of the whole binary has.

use dvt_model::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(later_ms()))
}

/// How much later than the wall clock says; nothing in what is shipped.
#[cfg(not(feature = "crash-points"))]
const fn later_ms() -> i64 {
    0
}

/// How much later than the wall clock says: `DVT_TEST_DAYS_LATER`.
#[cfg(feature = "crash-points")]
fn later_ms() -> i64 {
    const DAY_MS: i64 = 86_400_000;
    let days = std::env::var("DVT_TEST_DAYS_LATER").ok().and_then(|days| days.parse::<i64>().ok());
    days.unwrap_or_default().saturating_mul(DAY_MS)
}
