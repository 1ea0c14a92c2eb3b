//! The store's behaviour on real files: the suite that every backend has to pass.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod admission;
mod append;
mod backup;
mod canaries;
mod compile_fail;
mod control;
#[cfg(feature = "crash-points")]
mod crash;
mod erase;
mod files;
mod hostile;
mod known;
mod large;
mod ledger;
mod retention;
mod room;
mod rotation;
mod sealed;
mod support;
mod tenants;
