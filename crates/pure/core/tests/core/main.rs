//! Tests of the core that drive whole runs, one command at a time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod about;
mod across;
mod cost;
#[allow(dead_code, reason = "the harness of determinism asks for more of it")]
#[path = "../../examples/determinism/costs.rs"]
mod costs;
mod determinism;
mod drive;
mod legality;
mod meanings;
mod numbers;
#[path = "../../examples/determinism/plans.rs"]
mod plans;
#[allow(dead_code, reason = "the harness of determinism asks for more of it")]
#[path = "../../examples/determinism/play.rs"]
mod play;
mod readings;
mod sizes;
mod whole;
