//! The bench of the engine: an installation with real access, store, engine and worker, and loads on it.
//!
//! It judges nothing by time. Whatever is a rate stands beside a raw limit that was measured in the same run.

pub mod echo;
pub mod load;
pub mod plans;
pub mod programs;

pub use crate::house::{House, Ready};

/// A field of `/proc/self/status` in bytes: `VmHWM`, `VmRSS`.
pub fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn text(error: impl ToString) -> String {
    error.to_string()
}
