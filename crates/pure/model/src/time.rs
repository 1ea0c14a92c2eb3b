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

const DAY_MS: i64 = 86_400_000;

/// Two digits of a number below 100.
fn digits(number: i64) -> [u8; 2] {
    [number / 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or(0))
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
///
/// Years are counted from March, so that the day that some years have more is their last (Hinnant,
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>, for days after 1970 alone).
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl Timestamp {
    fn text(self) -> [u8; 24] {
        let (days, within) = (self.0 / DAY_MS, self.0 % DAY_MS);
        let (year, month, day) = date(days);
        let ([y1, y2], [y3, y4]) = (digits(year / 100), digits(year % 100));
        let ([o1, o2], [d1, d2]) = (digits(month), digits(day));
        let ([h1, h2], [m1, m2]) = (digits(within / 3_600_000), digits(within / 60_000 % 60));
        let ([s1, s2], [f1, f2]) = (digits(within / 1_000 % 60), digits(within % 1_000 / 10));
        let [_, f3] = digits(within % 10);
        [
            y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1,
            f2, f3, b'Z',
        ]
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).map_err(serde::ser::Error::custom)?)
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

    /// Every tenth day or so of eight thousand years, and the ends of months and years.
    #[test]
    fn days_are_those_of_the_calendar() {
        let by_jiff = |ms| format!("{:.3}", jiff::Timestamp::from_millisecond(ms).unwrap());
        let mut days = 0;
        while days * DAY_MS <= LAST_MS - DAY_MS {
            let ms = days * DAY_MS + (days * 7_919_017) % DAY_MS;
            assert_eq!(Timestamp::from_ms(ms).to_string(), by_jiff(ms));
            days += 11;
        }
        for days in (0..1_200).chain(10_950..11_400).chain(47_400..47_600) {
            for ms in [days * DAY_MS, days * DAY_MS + DAY_MS - 1] {
                assert_eq!(Timestamp::from_ms(ms).to_string(), by_jiff(ms));
            }
        }
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
