//! Access on a real store: who is let in, what is entered, and what an envelope is worth.

#![expect(clippy::unwrap_used, reason = "tests")]

mod decisions;
mod envelopes;
mod house;
