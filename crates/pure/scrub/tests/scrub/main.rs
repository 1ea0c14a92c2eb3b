//! Tests of the scrubber against everything that a stream, an encoding and the world's token formats can do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod examples;
mod personal;
mod rules;
mod stream;
