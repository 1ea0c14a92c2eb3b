//! Tests of the ledger: published vectors, and tampering with a ledger in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod data;
mod flips;
mod memory;
mod notices;
mod seals;
mod tamper;
mod tessera;
mod vectors;
