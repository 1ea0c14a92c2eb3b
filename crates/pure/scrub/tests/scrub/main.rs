//! Tests of the scrubber against everything that a stream, an encoding and the world's token formats can do.

mod examples;
mod rules;
mod stream;
