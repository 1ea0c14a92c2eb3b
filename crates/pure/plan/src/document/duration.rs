//! Durations: `500ms`, `90s`, `10m`, `2h`, `1d`, and sums like `1h30m`. In a stored document: milliseconds.
//!
//! A bare number is refused in what people write: half the world would mean seconds and the other half milliseconds.

use super::keys::or;
use super::{Mode, Reader};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::read::tree::{Entry, Kind, Node};

/// The longest duration: a year of 366 days.
pub(crate) const LONGEST_MS: u64 = 366 * 24 * 3_600_000;

/// Units and what they stand for.
pub(crate) const UNITS: &[(&str, u64)] =
    &[("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// Milliseconds of a written duration.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let (unit, ms) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        // From large to small and each unit once, so that a duration has one reading.
        if *ms >= last {
            return None;
        }
        last = *ms;
        total = total.checked_add(count.checked_mul(*ms)?)?;
        rest = rest.get(unit.len()..)?;
    }
    (last != u64::MAX).then_some(total)
}

impl Reader<'_, '_> {
    /// A duration of at least `least_ms`.
    pub(crate) fn duration(&mut self, entry: &Entry<'_>, least_ms: u64, most_ms: u64) -> Option<u64> {
        self.duration_node(entry.key, &entry.value, or(entry.value.place, entry.place), least_ms, most_ms)
    }

    fn duration_node(
        &mut self,
        key: &str,
        node: &Node<'_>,
        place: crate::read::tree::Place,
        least_ms: u64,
        most_ms: u64,
    ) -> Option<u64> {
        let found = match &node.kind {
            Kind::Number(number) if self.mode == Mode::Canonical => number.as_u64(),
            Kind::Number(number) => {
                let report =
                    Report::error(codes::BAD_DURATION, place, format!("the duration `{number}` has no unit"));
                self.sink.add(report.fix(format!("{key}: {number}s")).choices(
                    ["ms", "s", "m", "h", "d"].iter().map(|unit| format!("{number}{unit}")).collect(),
                ));
                return None;
            }
            Kind::Text(text) => parse(text),
            _ => None,
        };
        let Some(ms) = found else {
            let what = node.as_text().map_or_else(|| node.type_name().to_owned(), shown);
            let report = Report::error(codes::BAD_DURATION, place, format!("{what} is no duration"));
            self.sink
                .add(report.fix(format!("{key}: 10m   (units: ms, s, m, h, d; a sum is written 1h30m)")));
            return None;
        };
        if !(least_ms..=most_ms).contains(&ms) {
            let message = format!("`{key}` takes a duration from {} to {}", show(least_ms), show(most_ms));
            self.error(codes::BAD_DURATION, place, message);
            return None;
        }
        Some(ms)
    }
}

/// The shortest way to write a duration.
pub(crate) fn show(ms: u64) -> String {
    let best = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        .into_iter()
        .find(|(_, size)| ms > 0 && ms.is_multiple_of(*size));
    best.map_or_else(|| format!("{ms}ms"), |(unit, size)| format!("{}{unit}", ms / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("1d2h3m4s5ms", Some(93_784_005)),
            ("0s", Some(0)),
            ("", None),
            ("10", None),
            ("m", None),
            ("1m1h", None),
            ("1m1m", None),
            ("1.5h", None),
            ("-1s", None),
            ("10 m", None),
            ("1M", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!([show(5_400_000), show(1_001), show(0)], ["90m", "1001ms", "0ms"]);
    }
}
