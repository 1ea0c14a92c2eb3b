//! Changes of a text: bytes, words, names, numbers, lines and their indentation, pieces of other texts; and, one by one, what
//! the program compared a part of the text with put in the place of that part.

use crate::chance::Chance;
use crate::coverage::Compared;
use std::collections::HashMap;
use std::ops::Range;

/// The longest text.
pub(crate) const LONGEST: usize = 8 << 10;
/// Places of a text at which one comparison is answered.
const PLACES: usize = 16;
/// Comparisons of numbers that are answered for one text: most of them are lengths.
const MOST_NUMBERS: usize = 32;
/// Words that are learned.
const MOST_LEARNED: usize = 4_096;
/// How often the same comparison is answered: an answer that one text does not take another one may.
const MOST_REPEATS: u8 = 12;
/// Different comparisons that are answered at all.
const MOST_ANSWERED: usize = 1 << 18;
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

/// Numbers at the edges: of the integers of a plan, of 64 bits, of the doubles that are written with an exponent, of doubles.
const EDGES: [&str; 19] = [
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9007199254740993.0",
    "30275075233703588",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e16",
    "1e20",
    "1e21",
    "-1e22",
    "1e300",
    "1e400",
    "5e-324",
    "-0.0",
    ".inf",
    ".nan",
    "0x20000000000001",
];

/// The words of a target's language, and those that the program was seen to compare something with.
pub(crate) struct Words {
    known: Vec<Vec<u8>>,
    learned: Vec<Vec<u8>>,
    answered: HashMap<(Vec<u8>, Vec<u8>), u8>,
    /// How often these two were compared, in either order.
    met: HashMap<(Vec<u8>, Vec<u8>), u32>,
}

/// What is answered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    times: u8,
    is_number: bool,
    nth: usize,
    is_held: bool,
    met: u32,
}

impl Words {
    pub(crate) fn new(known: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let known = known.into_iter().collect();
        Self { known, learned: Vec::new(), answered: HashMap::new(), met: HashMap::new() }
    }

    fn one(&self, chance: &mut Chance) -> Vec<u8> {
        let learned = chance.below(3) == 0 && !self.learned.is_empty();
        if learned {
            chance.one_of(&self.learned).cloned().unwrap_or_default()
        } else {
            chance.one_of(&self.known).cloned().unwrap_or_default()
        }
    }

    /// At most `most` texts that answer the comparisons which were made with `text`, and whether these are all. Those come first that
    /// were answered least often; of these, the first answer to each before the second one to any; of these, words that the text
    /// does not hold; and of these, the two that are met least often, for the keys of a language are compared with each other in
    /// every text, and a name with one of them in few.
    pub(crate) fn answers(
        &mut self,
        text: &[u8],
        compared: Vec<Compared>,
        most: usize,
    ) -> (Vec<Vec<u8>>, bool) {
        let mut found: Vec<(Order, usize, Vec<u8>)> = Vec::new();
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (left, right, is_number) in self.sides(compared) {
            let times = self.answered.get(&(left.clone(), right.clone())).copied().unwrap_or_default();
            let places = places(text, &left);
            if places.is_empty() || times >= MOST_REPEATS || self.answered.len() >= MOST_ANSWERED {
                continue;
            }
            let is_held = text.windows(right.len().max(1)).any(|window| window == right);
            let met = self.met.get(&pair_of(&left, &right)).copied().unwrap_or_default();
            let everywhere = (places.len() > 1).then(|| everywhere(text, &left, &right));
            let each = places.into_iter().map(|at| {
                let mut text = text.to_vec();
                text.splice(at..at + left.len(), right.iter().copied());
                text
            });
            let answers = everywhere.into_iter().chain(each).enumerate();
            found.extend(
                answers.map(|(nth, answer)| {
                    (Order { times, is_number, nth, is_held, met }, pairs.len(), answer)
                }),
            );
            pairs.push((left, right));
        }
        found.sort_by_key(|(order, pair, _)| (*order, *pair));
        let is_whole = found.len() <= most;
        found.truncate(most);
        // What is not asked now was not answered.
        for (order, pair, _) in &found {
            if let (0, Some(pair)) = (order.nth, pairs.get(*pair)) {
                *self.answered.entry(pair.clone()).or_default() += 1;
            }
        }
        (found.into_iter().map(|(_, _, answer)| answer).collect(), is_whole)
    }

    /// Both sides of each comparison, in both directions, and whether they are numbers.
    fn sides(&mut self, compared: Vec<Compared>) -> Vec<(Vec<u8>, Vec<u8>, bool)> {
        let mut sides = Vec::new();
        let mut numbers = 0;
        for compared in compared {
            match compared {
                Compared::Texts(left, right) => {
                    self.learn(&left);
                    self.learn(&right);
                    if self.met.len() < MOST_ANSWERED {
                        *self.met.entry(pair_of(&left, &right)).or_default() += 1;
                    }
                    sides.push((left, right, false));
                }
                Compared::Numbers(..) if numbers >= MOST_NUMBERS => {}
                Compared::Numbers(left, right) => {
                    numbers += 1;
                    let letter =
                        |number| u32::try_from(number).ok().and_then(char::from_u32).map(String::from);
                    if let Some((left, right)) = letter(left).zip(letter(right)) {
                        sides.push((left.into_bytes(), right.into_bytes(), true));
                    }
                    sides.push((left.to_string().into_bytes(), right.to_string().into_bytes(), true));
                }
            }
        }
        let both = |(left, right, is_number): (Vec<u8>, Vec<u8>, bool)| {
            [(left.clone(), right.clone(), is_number), (right, left, is_number)]
        };
        sides.into_iter().flat_map(both).collect()
    }

    fn learn(&mut self, word: &[u8]) {
        let is_known = || self.learned.iter().any(|known| known == word);
        if self.learned.len() < MOST_LEARNED && word.is_ascii() && !is_known() {
            self.learned.push(word.to_vec());
        }
    }
}

/// Two texts, the smaller one first.
fn pair_of(left: &[u8], right: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (left.min(right).to_vec(), left.max(right).to_vec())
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

/// Writes a word, another name of the text, or a number, in the place of a name.
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
        _ if chance.below(16) == 0 => edge(chance),
        Some(other) if chance.below(2) == 0 => text.get(other).unwrap_or_default().to_vec(),
        _ => words.one(chance),
    };
    text.splice(range, word);
}

fn edge(chance: &mut Chance) -> Vec<u8> {
    chance.one_of(&EDGES).copied().unwrap_or_default().as_bytes().to_vec()
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
    let number = match chance.below(6) {
        0 => (1_u64 << chance.below(64)).to_string().into_bytes(),
        1 => ((1_u64 << chance.below(64)) - 1).to_string().into_bytes(),
        2 => chance.below(100).to_string().into_bytes(),
        3 | 4 => edge(chance),
        _ => chance.next().to_string().into_bytes(),
    };
    text.splice(from..from + length, number);
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
