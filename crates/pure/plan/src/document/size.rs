//! Sizes: `64KiB`, `512MiB`, `1GiB`. In a stored document: bytes.
//!
//! A bare number is refused in what people write, and so are `MB` and `G`: half the world would mean 1000.

use super::keys::or;
use super::{Mode, Reader};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::read::tree::{Entry, Kind};

/// Units and what they stand for.
pub(crate) const UNITS: &[(&str, u64)] =
    &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)];

/// Bytes of a written size.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let count: u64 = text.get(..digits)?.parse().ok()?;
    let (_, bytes) = UNITS.iter().find(|(unit, _)| text.get(digits..) == Some(*unit))?;
    count.checked_mul(*bytes)
}

impl Reader<'_, '_> {
    /// A size within limits.
    pub(crate) fn size(&mut self, entry: &Entry<'_>, least: u64, most: u64) -> Option<u64> {
        let place = or(entry.value.place, entry.place);
        let found = match &entry.value.kind {
            Kind::Number(number) if self.mode == Mode::Canonical => number.as_u64(),
            Kind::Text(text) => parse(text),
            _ => None,
        };
        let Some(bytes) = found else {
            let what = match &entry.value.kind {
                Kind::Text(text) => shown(text),
                Kind::Number(number) => format!("`{number}`"),
                _ => entry.value.type_name().to_owned(),
            };
            let report = Report::error(codes::BAD_SIZE, place, format!("{what} is no size"));
            self.sink.add(report.fix(format!("{}: 512MiB   (units: B, KiB, MiB, GiB, TiB)", entry.key)));
            return None;
        };
        if !(least..=most).contains(&bytes) {
            let message = format!("{} takes a size from {} to {}", shown(entry.key), show(least), show(most));
            self.error(codes::BAD_SIZE, place, message);
            return None;
        }
        Some(bytes)
    }
}

/// The shortest way to write a size.
pub(crate) fn show(bytes: u64) -> String {
    let best = UNITS
        .iter()
        .rev()
        .filter(|(unit, _)| *unit != "B")
        .find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    best.map_or_else(|| format!("{bytes}B"), |(unit, size)| format!("{}{unit}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("1B", Some(1)),
            ("64KiB", Some(65_536)),
            ("1GiB", Some(1 << 30)),
            ("1MB", None),
            ("1", None),
            ("GiB", None),
            ("1.5GiB", None),
            ("-1GiB", None),
            ("99999999TiB", None),
            ("99999999999999999999B", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!([show(1 << 30), show(1_536), show(0), show(1_025)], ["1GiB", "1536B", "0B", "1025B"]);
    }
}
