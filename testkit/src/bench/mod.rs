//! The bench of the store: its figures beside the raw limits of the same disk, taken in the same run.
//!
//! Judges nothing by time: it prints target and figure side by side. What counts is the ratio, for raw and stored commits
//! go through the same VFS, settings and row size, in windows that alternate.

pub mod engine;
pub mod order;
pub mod raw;
pub mod verified;
pub mod writers;

/// The middle one of a few.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The value below which so large a part of all lies.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let place = (real(sorted.len() as u64) * part) as usize;
    sorted.get(place).or(sorted.last()).copied().unwrap_or(0.0)
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
pub fn real(count: u64) -> f64 {
    count as f64
}

/// Microseconds that this process has spent on processors so far.
pub fn cpu_us() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in parentheses may hold spaces; the fields are counted behind it. Ticks of 10 ms.
    let fields = text.rsplit(") ").next().unwrap_or_default();
    fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10_000
}
