//! What LLVM's SanitizerCoverage calls and counts: one counter an edge, and both sides of every comparison.
//!
//! The only `unsafe` of the fuzzer. `memcmp` and `bcmp` stand here in the place of libc's, for Rust compares texts by them, and
//! `getrandom`, for hash maps would make every process another one.
//! The surprising rule: this crate must be built without the instrumentation, or a comparison here would record itself.
#![allow(unsafe_code, reason = "the compiler's instrumentation and libc's names can be met in no other way")]

use std::ffi::c_int;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};

static FIRST: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static COUNT: AtomicUsize = AtomicUsize::new(0);
static RECORDS: AtomicBool = AtomicBool::new(false);

/// Pairs of numbers, and of texts, that are remembered of one text.
const SLOTS: usize = 1_024;
/// Bytes of a text that are remembered, in words.
const WORDS: usize = 4;

static NUMBERS: [[AtomicU64; 2]; SLOTS] = [const { [const { AtomicU64::new(0) }; 2] }; SLOTS];
static TEXTS: [Row; SLOTS] = [const { Row::new() }; SLOTS];

struct Row {
    lengths: AtomicU64,
    left: [AtomicU64; WORDS],
    right: [AtomicU64; WORDS],
}

impl Row {
    const fn new() -> Self {
        Self {
            lengths: AtomicU64::new(0),
            left: [const { AtomicU64::new(0) }; WORDS],
            right: [const { AtomicU64::new(0) }; WORDS],
        }
    }
}

/// Both sides of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Numbers, or letters.
    Numbers(u64, u64),
    /// Texts of one length.
    Texts(Vec<u8>, Vec<u8>),
}

/// Edges that there are.
pub(crate) fn edges() -> usize {
    COUNT.load(Relaxed)
}

/// Begins to record comparisons, or ends it.
pub(crate) fn record(on: bool) {
    RECORDS.store(on, Relaxed);
}

/// Gives every edge that was passed since the last call with how often, and forgets it.
pub(crate) fn take(mut tell: impl FnMut(usize, u8)) {
    let (first, count) = (FIRST.load(Relaxed), COUNT.load(Relaxed));
    if first.is_null() {
        return;
    }
    // SAFETY: the linker laid `count` bytes from `first` for the counters, for as long as the program runs. Instrumented
    // code writes them plainly, but on the one thread that calls this function.
    let counters: &[AtomicU8] = unsafe { std::slice::from_raw_parts(first.cast::<AtomicU8>(), count) };
    // SAFETY: eight atomic bytes in a row, aligned as the function asks, are one atomic word to this one thread.
    let (head, words, tail) = unsafe { counters.align_to::<AtomicU64>() };
    let mut at = 0;
    let mut each = |at: usize, counter: &AtomicU8| {
        let passed = counter.swap(0, Relaxed);
        if passed > 0 {
            tell(at, passed);
        }
    };
    for counter in head {
        each(at, counter);
        at += 1;
    }
    for word in words {
        let passed = word.load(Relaxed);
        if passed != 0 {
            word.store(0, Relaxed);
            for (offset, passed) in
                passed.to_ne_bytes().into_iter().enumerate().filter(|(_, passed)| *passed > 0)
            {
                tell_word(at + offset, passed, &mut each);
            }
        }
        at += 8;
    }
    for counter in tail {
        each(at, counter);
        at += 1;
    }
}

/// A counter that was read within its word.
fn tell_word(at: usize, passed: u8, each: &mut impl FnMut(usize, &AtomicU8)) {
    each(at, &AtomicU8::new(passed));
}

/// Every comparison since the last call.
pub(crate) fn compared() -> Vec<Compared> {
    let mut found = Vec::new();
    for row in &TEXTS {
        let length = usize::try_from(row.lengths.swap(0, Relaxed)).unwrap_or_default();
        let side = |words: &[AtomicU64; WORDS]| {
            let bytes = words.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes());
            bytes.take(length).collect::<Vec<u8>>()
        };
        if length > 0 {
            found.push(Compared::Texts(side(&row.left), side(&row.right)));
        }
    }
    for [left, right] in &NUMBERS {
        let (left, right) = (left.swap(0, Relaxed), right.swap(0, Relaxed));
        match (letters(left), letters(right)) {
            // Texts of two, four or eight letters are compared as numbers.
            (Some(left), Some(right)) if left.len() == right.len() => {
                found.insert(0, Compared::Texts(left, right));
            }
            _ if left != right => found.push(Compared::Numbers(left, right)),
            _ => {}
        }
    }
    found
}

/// A number whose bytes are a text.
fn letters(number: u64) -> Option<Vec<u8>> {
    let bytes = number.to_le_bytes();
    let length = bytes.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let (text, rest) = bytes.split_at(length);
    (matches!(length, 2 | 4 | 8) && rest.iter().all(|byte| *byte == 0)).then(|| text.to_vec())
}

fn slot_of(left: u64, right: u64) -> usize {
    let mixed = (left ^ right.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 50).unwrap_or_default() % SLOTS
}

/// Whether a number may be an address of this process. No text holds one, and it would take the place of a number that one does.
fn is_address(number: u64) -> bool {
    (1 << 40..1 << 48).contains(&number)
}

fn numbers(left: u64, right: u64) {
    if left == right || !RECORDS.load(Relaxed) || is_address(left) || is_address(right) {
        return;
    }
    if let Some([one, other]) = NUMBERS.get(slot_of(left, right)) {
        one.store(left, Relaxed);
        other.store(right, Relaxed);
    }
}

/// libc's chance, from which Rust's hash maps take their seed: here always the same, so that one seed of a campaign makes the
/// same campaign in every process. Nothing of the fuzzer needs real chance.
///
/// # Safety
/// As libc's: `length` bytes at `buffer` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: std::ffi::c_uint) -> isize {
    for at in 0..length {
        // SAFETY: below `length`.
        unsafe { buffer.add(at).write(u8::try_from(at % 251).unwrap_or_default()) };
    }
    isize::try_from(length).unwrap_or_default()
}

#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, stop: *mut u8) {
    // Called by every object file with the same section.
    FIRST.store(start, Relaxed);
    COUNT.store((stop as usize).saturating_sub(start as usize), Relaxed);
}

macro_rules! comparisons {
    ($($name:ident: $kind:ty),*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(left: $kind, right: $kind) {
            numbers(u64::from(left), u64::from(right));
        }
    )*};
}

comparisons! {
    __sanitizer_cov_trace_cmp1: u8, __sanitizer_cov_trace_cmp2: u16, __sanitizer_cov_trace_cmp4: u32,
    __sanitizer_cov_trace_cmp8: u64, __sanitizer_cov_trace_const_cmp1: u8, __sanitizer_cov_trace_const_cmp2: u16,
    __sanitizer_cov_trace_const_cmp4: u32, __sanitizer_cov_trace_const_cmp8: u64
}

/// `cases` begins with how many there are and how wide they are.
#[unsafe(no_mangle)]
unsafe extern "C" fn __sanitizer_cov_trace_switch(value: u64, cases: *const u64) {
    if !RECORDS.load(Relaxed) {
        return;
    }
    // SAFETY: the instrumentation hands over a constant table whose first word is its length.
    let count = unsafe { cases.read() };
    let Ok(count) = usize::try_from(count) else { return };
    for at in 2..count.min(16) + 2 {
        // SAFETY: within the table, which holds two words more than its first one says.
        numbers(value, unsafe { cases.add(at).read() });
    }
}

/// The bytes of one side, in words.
///
/// # Safety
/// `length` bytes from `from` can be read.
unsafe fn keep(from: *const u8, length: usize, words: &[AtomicU64; WORDS]) {
    for (at, word) in words.iter().enumerate() {
        let mut bytes = [0; 8];
        for (offset, byte) in bytes.iter_mut().enumerate().filter(|(offset, _)| at * 8 + offset < length) {
            // SAFETY: the filter keeps it below `length`.
            *byte = unsafe { from.add(at * 8 + offset).read() };
        }
        word.store(u64::from_ne_bytes(bytes), Relaxed);
    }
}

/// # Safety
/// `length` bytes from both can be read.
unsafe fn compare(left: *const u8, right: *const u8, length: usize) -> c_int {
    let mut at = 0;
    while at + 8 <= length {
        // SAFETY: both words lie below `length`.
        let (one, other) = unsafe {
            (left.add(at).cast::<u64>().read_unaligned(), right.add(at).cast::<u64>().read_unaligned())
        };
        if one != other {
            break;
        }
        at += 8;
    }
    while at < length {
        // SAFETY: both bytes lie below `length`.
        let (one, other) = unsafe { (left.add(at).read(), right.add(at).read()) };
        if one != other {
            if RECORDS.load(Relaxed) && (2..=WORDS * 8).contains(&length) {
                let where_they_differ = (length as u64) << 32 | at as u64;
                if let Some(row) =
                    TEXTS.get(slot_of(where_they_differ, u64::from(one) << 8 | u64::from(other)))
                {
                    row.lengths.store(length as u64, Relaxed);
                    // SAFETY: `length` bytes can be read, as the caller promised.
                    unsafe { keep(left, length, &row.left) };
                    // SAFETY: the same.
                    unsafe { keep(right, length, &row.right) };
                }
            }
            return c_int::from(one) - c_int::from(other);
        }
        at += 1;
    }
    0
}

/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    // SAFETY: what the caller of `memcmp` promises.
    unsafe { compare(left, right, length) }
}

/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    // SAFETY: what the caller of `bcmp` promises.
    unsafe { compare(left, right, length) }
}
