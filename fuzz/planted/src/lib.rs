//! The planted fault: a panic behind a magic value, met only by what a target made of a text that it accepted.
//!
//! A crate of its own because it is instrumented like the crates under test, and the fuzzer itself is not. The value is compared
//! letter by letter, each letter in a function of its own: so each that is met is an edge more, and the fuzzer is led to the next.

use std::hint::black_box;

/// The word with which nothing may begin that comes out of a target.
const MAGIC: &[u8; 8] = b"plant_74";

/// Looks at what came out of a target. Inlined, it would be built where nothing is instrumented.
#[inline(never)]
pub fn look(came_out: &str) {
    letter::<0>(came_out.as_bytes());
}

/// One letter, and then the next one. Each is a function with an edge of its own: the depth keeps the compiler from making one
/// comparison of eight.
#[inline(never)]
fn letter<const AT: usize>(came_out: &[u8]) {
    let Some(wanted) = MAGIC.get(AT) else { return };
    if came_out.get(AT).copied().map(black_box) != Some(*wanted) {
        return;
    }
    black_box(AT);
    match AT {
        0 => letter::<1>(came_out),
        1 => letter::<2>(came_out),
        2 => letter::<3>(came_out),
        3 => letter::<4>(came_out),
        4 => letter::<5>(came_out),
        5 => letter::<6>(came_out),
        6 => letter::<7>(came_out),
        _ => met(),
    }
}

/// All letters were met.
#[expect(clippy::panic, reason = "the fault that the control looks for")]
#[inline(never)]
fn met() {
    panic!("the planted fault");
}
