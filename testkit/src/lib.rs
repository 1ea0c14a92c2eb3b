//! The test seam: harness parts that no shipped crate may depend on.

pub mod bench;
pub mod drafts;
pub mod house;
pub mod power_cut;
pub mod simulator;
pub mod tamper;
