//! The store's behaviour as a matrix: every operation of contract 6.1 against everything that can happen to it.
//!
//! A cell is a test or a written reason why it cannot be; the printed matrix has no empty cell. Backends plug in by
//! [`backend::Backend`]; what is asked of them is the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod backend;
mod columns;
mod committer;
mod degraded;
mod faults;
mod house;
mod matrix;
mod rows;
mod sqlite;
