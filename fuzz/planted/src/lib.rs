//! The planted fault: a panic behind a magic value, met only by what a target made of a text that it accepted.
//!
//! A crate of its own because it is instrumented like the crates under test, and the fuzzer itself is not.

/// The two halves of the word with which nothing may begin that comes out of a target.
const MAGIC: [&str; 2] = ["plan", "t_74"];

/// Looks at what came out of a target. Inlined, it would be built where nothing is instrumented.
#[expect(clippy::panic, reason = "the fault that the control looks for")]
#[inline(never)]
pub fn look(came_out: &str) {
    let [first, second] = MAGIC;
    if let Some(rest) = came_out.strip_prefix(first)
        && rest.starts_with(second)
    {
        panic!("the planted fault");
    }
}
