//! Changes of a text: bytes, words of the target's language, lines and their indentation, pieces of other texts, and what
//! the program compared a part of the text with.

use crate::chance::Chance;
use crate::coverage::{Compared, compared};
use std::ops::Range;

/// The longest text.
pub(crate) const LONGEST: usize = 8 << 10;
/// Slots of comparisons that are tried before another change is made.
const TRIES: usize = 24;
const ODD: [&str; 12] = [
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "🦀",
    "\r\n",
    "\t",
    "9223372036854775808",
    "-1",
    "1e999",
    "0.1",
];

/// A changed copy of `seed`; `other` is another text that was kept.
pub(crate) fn mutate(seed: &[u8], other: &[u8], words: &[&str], chance: &mut Chance) -> Vec<u8> {
    let mut text = seed.to_vec();
    let most = 1 << chance.below(4);
    for _ in 0..=chance.below(most) {
        change(&mut text, other, words, chance);
    }
    text.truncate(LONGEST);
    text
}

fn change(text: &mut Vec<u8>, other: &[u8], words: &[&str], chance: &mut Chance) {
    match chance.below(16) {
        0..4 => {
            if !substitute(text, chance) {
                put(text, chance.one_of(words).copied().unwrap_or_default().as_bytes(), chance);
            }
        }
        4 => put(text, chance.one_of(words).copied().unwrap_or_default().as_bytes(), chance),
        5 => put(text, chance.one_of(&ODD).copied().unwrap_or_default().as_bytes(), chance),
        6 => {
            let range = range(text.len(), 32, chance);
            let word = chance.one_of(words).copied().unwrap_or_default();
            text.splice(range, word.bytes());
        }
        7 => drop(text.drain(range(text.len(), 64, chance))),
        8 => {
            let piece = text.get(range(text.len(), 128, chance)).unwrap_or_default().to_vec();
            put(text, &piece, chance);
        }
        9 => {
            let at = chance.below(text.len());
            if let Some(byte) = text.get_mut(at) {
                *byte =
                    if chance.below(2) == 0 { *byte ^ (1 << chance.below(8)) } else { 32 + letter(chance) };
            }
        }
        10 => number(text, chance),
        11 => {
            let piece = other.get(range(other.len(), 256, chance)).unwrap_or_default().to_vec();
            put(text, &piece, chance);
        }
        12 => {
            // The beginning of one and the end of the other.
            let (ours, theirs) = (chance.below(text.len() + 1), chance.below(other.len() + 1));
            text.truncate(ours);
            text.extend_from_slice(other.get(theirs..).unwrap_or_default());
        }
        13 => {
            let piece = vec![letter(chance) + 32; 1 + chance.below(96)];
            put(text, &piece, chance);
        }
        _ => lines(text, chance),
    }
}

fn letter(chance: &mut Chance) -> u8 {
    u8::try_from(chance.below(95)).unwrap_or_default()
}

fn range(length: usize, most: usize, chance: &mut Chance) -> Range<usize> {
    let from = chance.below(length + 1);
    let most = 1 + chance.below(most);
    let size = chance.below(most);
    from..(from + size).min(length)
}

fn put(text: &mut Vec<u8>, piece: &[u8], chance: &mut Chance) {
    let at = chance.below(text.len() + 1);
    text.splice(at..at, piece.iter().copied());
}

/// Writes another number in the place of one.
fn number(text: &mut Vec<u8>, chance: &mut Chance) {
    let digits: Vec<usize> =
        (0..text.len()).filter(|at| text.get(*at).is_some_and(u8::is_ascii_digit)).collect();
    let Some(from) = chance.one_of(&digits).copied() else { return };
    let length = text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let number = match chance.below(4) {
        0 => 1_u64 << chance.below(64),
        1 => (1_u64 << chance.below(64)) - 1,
        2 => chance.below(100) as u64,
        _ => chance.next(),
    };
    text.splice(from..from + length, number.to_string().bytes());
}

/// Takes away, repeats, swaps or indents a line.
fn lines(text: &mut Vec<u8>, chance: &mut Chance) {
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (at, to) = (chance.below(lines.len()), chance.below(lines.len()));
    let depth = 1 + chance.below(3);
    match chance.below(5) {
        0 => drop(lines.remove(at)),
        1 => {
            let line = lines.get(at).cloned().unwrap_or_default();
            lines.insert(to, line);
        }
        2 => lines.swap(at, to),
        3 => {
            for line in lines.iter_mut().skip(at).take(depth) {
                line.splice(0..0, [b' ', b' ']);
            }
        }
        _ => {
            for line in lines.iter_mut().skip(at).take(depth) {
                let spaces = line.iter().take(2).take_while(|byte| **byte == b' ').count();
                line.drain(..spaces);
            }
        }
    }
    *text = lines.join(&b'\n');
}

/// Puts what a part of the text was compared with in its place.
fn substitute(text: &mut Vec<u8>, chance: &mut Chance) -> bool {
    for _ in 0..TRIES {
        let (mut from, mut to) = match compared(chance.below(512)) {
            Some(Compared::Texts(left, right)) => (left, right),
            Some(Compared::Numbers(left, right)) => {
                let as_letter =
                    |number| u32::try_from(number).ok().and_then(char::from_u32).map(String::from);
                match (as_letter(left), as_letter(right), chance.below(2)) {
                    (Some(left), Some(right), 0) => (left.into_bytes(), right.into_bytes()),
                    _ => (left.to_string().into_bytes(), right.to_string().into_bytes()),
                }
            }
            None => continue,
        };
        if chance.below(2) == 0 {
            std::mem::swap(&mut from, &mut to);
        }
        let found: Vec<usize> = text
            .windows(from.len().max(1))
            .enumerate()
            .filter(|(_, at)| *at == from)
            .map(|(at, _)| at)
            .collect();
        if let Some(at) = chance.one_of(&found).copied() {
            text.splice(at..at + from.len(), to);
            return true;
        }
    }
    false
}
