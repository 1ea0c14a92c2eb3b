//! `limits: {memory, cpu, output}` of a step: what it may use.

use super::Reader;
use super::keys::{Family, Level, or};
use crate::diagnostic::codes;
use crate::plan::StepLimits;
use crate::read::tree::{Entry, Kind};

/// Memory that a step may ask for.
const MEMORY: (u64, u64) = (1 << 20, 1 << 40);
/// Output: one JSON value.
const OUTPUT: (u64, u64) = (1, 8 << 20);
/// CPUs that a step may ask for.
const MOST_CPU: f64 = 1_024.0;

/// Its keys.
pub(crate) const FAMILY: Family =
    Family { what: "`limits` of a step", keys: &["memory", "cpu", "output"], level: Level::Inner };

/// Reads it.
pub(crate) fn read(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> StepLimits {
    let mut limits = StepLimits::default();
    for key in reader.family("limits", entry.place, &entry.value, &FAMILY).unwrap_or_default() {
        match key.name() {
            "memory" => limits.memory_bytes = reader.size(key, MEMORY.0, MEMORY.1),
            "output" => limits.output_bytes = reader.size(key, OUTPUT.0, OUTPUT.1),
            _ => limits.cpu_milli = cpu(reader, key),
        }
    }
    limits
}

/// CPUs, down to a thousandth of one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held between 1 and a million before"
)]
fn cpu(reader: &mut Reader<'_, '_>, entry: &Entry<'_>) -> Option<u32> {
    let place = or(entry.value.place, entry.place);
    let Kind::Number(number) = &entry.value.kind else {
        reader.wrong(place, "cpu", "a number of CPUs, such as `0.5`", &entry.value);
        return None;
    };
    let milli = number.as_f64().map(|cpus| (cpus * 1_000.0).round());
    let Some(milli) = milli.filter(|milli| (1.0..=MOST_CPU * 1_000.0).contains(milli)) else {
        let message = format!("`cpu` takes 0.001 to {MOST_CPU} CPUs, not `{number}`");
        reader.error(codes::OUT_OF_LIMITS, place, message);
        return None;
    };
    Some(milli as u32)
}
