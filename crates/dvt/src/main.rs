//! The binary: one file per verb, views, and the composition root. It holds no business rule.
//!
//! The first thing it looks at is whether it was started as a worker or as a starter: those must come before any thread.

mod clock;
mod command;
mod compose;
mod documents;
mod files;
mod problem;
mod profile;
mod running;
mod signals;
mod telemetry;
mod view;

use std::process::ExitCode;

/// A fifth of what a run costs was asking for memory and giving it back (ADR 88).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match std::env::args_os().nth(1).as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("__worker") => dvt_worker::main(),
        Some("__starter") => dvt_wall::starter::main(),
        #[cfg(feature = "crash-points")]
        Some("__crash-sites") => crash_sites(),
        _ => command::main(),
    }
}

/// Names every place at which the crash harness may end this process.
#[cfg(feature = "crash-points")]
fn crash_sites() -> ExitCode {
    for site in dvt_store::crash::SITES.iter().chain(dvt_engine::CRASH_SITES) {
        println!("{site}");
    }
    ExitCode::SUCCESS
}
