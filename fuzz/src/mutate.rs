//! Changes of a text: bytes, words, names, numbers, lines and their indentation, pieces of other texts; and, one by one, what
//! the program compared a part of the text with put in the place of that part.

use crate::chance::Chance;
use crate::coverage::Compared;
use std::collections::HashSet;
use std::ops::Range;

/// The longest text.
pub(crate) const LONGEST: usize = 8 << 10;
/// Places of a text at which one comparison is answered.
const PLACES: usize = 3;
/// Comparisons of numbers that are answered for one text: most of them are lengths.
const MOST_NUMBERS: usize = 48;
/// Words that are learned.
const MOST_LEARNED: usize = 4_096;
/// Comparisons that are answered at all.
const MOST_ANSWERED: usize = 1 << 20;
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

/// The words of a target's language, and those that the program was seen to compare something with.
pub(crate) struct Words {
    known: &'static [&'static str],
    learned: Vec<Vec<u8>>,
    answered: HashSet<(Vec<u8>, Vec<u8>)>,
}

impl Words {
    pub(crate) fn new(known: &'static [&'static str]) -> Self {
        Self { known, learned: Vec::new(), answered: HashSet::new() }
    }

    fn one(&self, chance: &mut Chance) -> Vec<u8> {
        let learned = chance.below(3) == 0 && !self.learned.is_empty();
        if learned {
            chance.one_of(&self.learned).cloned().unwrap_or_default()
        } else {
            chance.one_of(self.known).copied().unwrap_or_default().as_bytes().to_vec()
        }
    }

    /// Texts that answer the comparisons which were made with `text`, each comparison once.
    pub(crate) fn answers(&mut self, text: &[u8], compared: Vec<Compared>) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut numbers = 0;
        for compared in compared {
            numbers += usize::from(matches!(compared, Compared::Numbers(..)));
            if numbers > MOST_NUMBERS {
                break;
            }
            let sides = match compared {
                Compared::Texts(left, right) => {
                    for side in [&left, &right] {
                        if self.learned.len() < MOST_LEARNED
                            && !self.learned.contains(side)
                            && side.is_ascii()
                        {
                            self.learned.push(side.clone());
                        }
                    }
                    vec![(left, right)]
                }
                Compared::Numbers(left, right) => {
                    let letter =
                        |number| u32::try_from(number).ok().and_then(char::from_u32).map(String::from);
                    let digits = (left.to_string().into_bytes(), right.to_string().into_bytes());
                    let letters = letter(left).zip(letter(right));
                    let letters = letters.map(|(left, right)| (left.into_bytes(), right.into_bytes()));
                    letters.into_iter().chain([digits]).collect()
                }
            };
            for (left, right) in
                sides.into_iter().flat_map(|(left, right)| [(left.clone(), right.clone()), (right, left)])
            {
                if !places(text, &left).is_empty()
                    && self.answered.len() < MOST_ANSWERED
                    && self.answered.insert((left.clone(), right.clone()))
                {
                    let places = places(text, &left);
                    if places.len() > 1 {
                        found.push(everywhere(text, &left, &right));
                    }
                    found.extend(places.into_iter().map(|at| {
                        let mut text = text.to_vec();
                        text.splice(at..at + left.len(), right.iter().copied());
                        text
                    }));
                }
            }
        }
        found
    }
}

/// The text with a part changed wherever it stands: a name and all that refers to it.
fn everywhere(text: &[u8], part: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        match rest.strip_prefix(part) {
            Some(after) if !part.is_empty() => {
                out.extend_from_slice(other);
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out
}

/// The first places at which a part stands.
fn places(text: &[u8], part: &[u8]) -> Vec<usize> {
    let windows = text.windows(part.len().max(1)).enumerate();
    windows.filter(|(_, window)| *window == part).map(|(at, _)| at).take(PLACES).collect()
}

/// A changed copy of `seed`; `other` is another text that was kept.
pub(crate) fn mutate(seed: &[u8], other: &[u8], words: &Words, chance: &mut Chance) -> Vec<u8> {
    let mut text = seed.to_vec();
    let most = 1 << chance.below(4);
    for _ in 0..=chance.below(most) {
        change(&mut text, other, words, chance);
    }
    text.truncate(LONGEST);
    text
}

fn change(text: &mut Vec<u8>, other: &[u8], words: &Words, chance: &mut Chance) {
    match chance.below(16) {
        0..3 => name(text, words, chance),
        3 | 4 => {
            let word = words.one(chance);
            put(text, &word, chance);
        }
        5 => put(text, chance.one_of(&ODD).copied().unwrap_or_default().as_bytes(), chance),
        6 => {
            let range = range(text.len(), 32, chance);
            text.splice(range, words.one(chance));
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

/// Writes a word, or another name of the text, in the place of a name.
fn name(text: &mut Vec<u8>, words: &Words, chance: &mut Chance) {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-';
    let mut names: Vec<Range<usize>> = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match names.last_mut() {
            Some(last) if last.end == at && is_letter(byte) => last.end = at + 1,
            _ if is_letter(byte) => names.push(at..at + 1),
            _ => {}
        }
    }
    let Some(range) = chance.one_of(&names).cloned() else { return };
    let word = match chance.one_of(&names).cloned() {
        Some(other) if chance.below(2) == 0 => text.get(other).unwrap_or_default().to_vec(),
        _ => words.one(chance),
    };
    text.splice(range, word);
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
