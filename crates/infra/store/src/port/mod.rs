//! The port: what any backend gives. SQLite is the first.

pub mod error;
pub mod lease;
pub mod ledger;
pub mod operation;
pub mod transaction;
