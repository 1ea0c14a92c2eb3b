//! Tests of the keys: what opens what, what is never shown, what is never signed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod hierarchy;
mod place;
mod root;
mod rotation;
mod shown;
mod signer;
