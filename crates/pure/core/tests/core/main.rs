//! Tests of the core that drive whole runs, one command at a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod cost;
mod determinism;
mod drive;
mod legality;
mod sizes;
