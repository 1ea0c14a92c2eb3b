//! Durations, sizes and counts for people.

/// `44ms`, `0.4s`, `6.2s`, `1m 05s`, `2h 03m`.
pub(crate) fn short(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 if ms < 100 => format!("{ms}ms"),
        0..60 => format!("{}.{}s", seconds, ms % 1_000 / 100),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A limit as it was meant: `300 ms`, `20 s`, `20 min`, `24 h`, rounded up.
pub(crate) fn bound(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 if !ms.is_multiple_of(60_000) => format!("{} s", ms.div_ceil(1_000)),
        1_000..7_200_000 => format!("{} min", ms.div_ceil(60_000)),
        7_200_000..172_800_000 => format!("{} h", ms.div_ceil(3_600_000)),
        _ => format!("{} days", ms.div_ceil(86_400_000)),
    }
}

/// `41 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1_024 && unit + 1 < UNITS.len() {
        value = value.div_ceil(1_024);
        unit += 1;
    }
    format!("{value} {}", UNITS.get(unit).unwrap_or(&"B"))
}

/// `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 step`, `6 steps`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_these() {
        assert_eq!(
            [short(44), short(6_249), short(65_000), short(7_380_000)],
            ["44ms", "6.2s", "1m 05s", "2h 03m"]
        );
        assert_eq!(
            [bound(300), bound(60_001), bound(60_000), bound(86_400_000)],
            ["300 ms", "61 s", "1 min", "24 h"]
        );
        assert_eq!([size(12), size(43_000_000)], ["12 B", "42 MiB"]);
        assert_eq!([count(7), count(1_204), count(1_000_000)], ["7", "1,204", "1,000,000"]);
        assert_eq!([plural(1, "step", "steps"), plural(6, "step", "steps")], ["1 step", "6 steps"]);
    }
}
