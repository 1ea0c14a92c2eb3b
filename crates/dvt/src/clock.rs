//! The present, and a clock that nobody sets. Test builds can be told to live some days later, and to have their clock set while
//! they run: the only clock that a process of the whole binary has.

use dvt_model::time::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, by the wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX).saturating_add(later_ms()))
}

/// The time since the machine started, sleep included.
pub(crate) fn steady() -> Duration {
    let passed = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanoseconds) = (u64::try_from(passed.tv_sec), u32::try_from(passed.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

/// How much later than the wall clock says; nothing in what is shipped.
#[cfg(not(feature = "crash-points"))]
const fn later_ms() -> i64 {
    0
}

/// How much later than the wall clock says: `DVT_TEST_DAYS_LATER`, and the milliseconds in the file `DVT_TEST_CLOCK_SET`.
#[cfg(feature = "crash-points")]
fn later_ms() -> i64 {
    const DAY_MS: i64 = 86_400_000;
    let days = std::env::var("DVT_TEST_DAYS_LATER").ok().and_then(|days| days.parse::<i64>().ok());
    let file = std::env::var_os("DVT_TEST_CLOCK_SET").and_then(|path| std::fs::read_to_string(path).ok());
    let set = file.and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or_default();
    days.unwrap_or_default().saturating_mul(DAY_MS).saturating_add(set)
}
