//! The worker with its starter and real steps, each a real process.
//!
//! This binary is also the worker and the starter: it looks at its first argument before it runs its cases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod bundle;
mod endings;
mod fixture;
#[path = "../../../infra/wall/tests/harness.rs"]
mod harness;
mod outputs;
#[path = "../../../infra/wall/tests/process.rs"]
mod process;
mod room;
mod surroundings;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(dvt_worker::WORKER_VERB) => dvt_worker::main(),
        Some(dvt_worker::STARTER_VERB) => dvt_wall::starter::main(),
        Some(fixture::WEAK_WORKER) => dvt_worker::main_without_adoption(fixture::WEAK_STARTER),
        Some(fixture::WEAK_STARTER) => dvt_wall::starter::main_without_adoption(),
        _ => harness::run(
            &[bundle::CASES, outputs::CASES, room::CASES, surroundings::CASES, endings::CASES].concat(),
        ),
    }
}
