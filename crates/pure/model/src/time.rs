//! A point in time as it stands on the wire: RFC 3339, UTC, three fractional digits, `Z`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Reading the clock is somebody else's job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9999-12-30T21:59:59.999Z, the last moment that can be written in every time zone with a four-digit year.
const LAST_MS: i64 = 253_402_207_199_999;

impl Timestamp {
    /// From milliseconds since the epoch, held between 1970 and 9999.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(0, LAST_MS))
    }

    /// Milliseconds since the epoch.
    pub fn ms(&self) -> i64 {
        self.0
    }

    /// This moment and `ms` milliseconds more.
    pub fn plus_ms(&self, ms: u64) -> Self {
        Self::from_ms(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
    }

    /// Milliseconds from `earlier` to this moment; 0 if `earlier` is later.
    pub fn ms_since(&self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Reads exactly the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let ms = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
        let read = Self((0..=LAST_MS).contains(&ms).then_some(ms)?);
        (read.to_string() == text).then_some(read)
    }

    /// Reads RFC 3339 with any offset, as people and plans write it; what is finer than a millisecond is cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let ms = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
        (0..=LAST_MS).contains(&ms).then_some(Self(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(formatter, "{time:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("a time is written `2026-01-31T09:00:00.000Z`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_z() {
        assert_eq!(Timestamp::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_ms(1_771_200_000_120).to_string(), "2026-02-16T00:00:00.120Z");
        assert_eq!(Timestamp::from_ms(i64::MAX).to_string(), "9999-12-30T21:59:59.999Z");
    }

    #[test]
    fn people_may_write_an_offset() {
        let read = Timestamp::parse_rfc3339("2026-02-16T01:00:00+01:00");
        assert_eq!(read, Some(Timestamp::from_ms(1_771_200_000_000)));
        assert_eq!(Timestamp::parse_rfc3339("tomorrow"), None);
    }

    #[test]
    fn only_the_wire_form_is_read() {
        let time = Timestamp::from_ms(1_771_200_000_120);
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        for wrong in
            ["2026-02-16T00:00:00Z", "2026-02-16 00:00:00.120Z", "2026-02-16T00:00:00.120+00:00", "x"]
        {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }
}
