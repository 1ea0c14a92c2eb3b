//! The planted fault: a panic behind a magic value, met only by what a target made of a text that it accepted.
//!
//! A crate of its own because it is instrumented like the crates under test, and the fuzzer itself is not.

/// The word that must not come out of a target.
const MAGIC: &str = "planted_7421";

/// Looks at what came out of a target.
#[expect(clippy::panic, reason = "the fault that the control looks for")]
pub fn look(came_out: &str) {
    if came_out == MAGIC {
        panic!("the planted fault");
    }
}
