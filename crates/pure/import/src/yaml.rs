//! The document as it is written: block style, order kept, every foreign string a double-quoted scalar.
//!
//! A JSON string is a YAML 1.2 double-quoted scalar, so quoting is serde_json's; a plain scalar stands only where we chose
//! the word ourselves or it is a plain id, and YAML reads it as the same text.

use crate::Kept;
use std::borrow::Cow;
use std::fmt;

/// A value of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A string, quoted.
    Text(String),
    /// A word of our own, or an id: written plainly.
    Word(String),
    /// A truth value.
    Flag(bool),
    /// A number.
    Number(Kept),
    /// A text of lines, as a literal block where that keeps every letter.
    Block(String),
    /// A list, written in one line.
    List(Vec<Node>),
    /// A mapping, in this order.
    Map(Vec<(String, Node)>),
    /// A value with lines of comment above it.
    Noted(Vec<String>, Box<Node>),
}

/// How much a value is of a document.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) values: usize,
    pub(crate) bytes: usize,
}

/// The longest mapping within a step that is written in one line.
const ONE_LINE: usize = 90;

impl Node {
    /// A word of our own.
    pub(crate) fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    /// A count.
    pub(crate) fn count(count: u64) -> Self {
        Kept::of(&count.into()).map_or_else(|| Self::Text(count.to_string()), Self::Number)
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Noted(_, value) => value.get(key),
            Self::Text(_)
            | Self::Word(_)
            | Self::Flag(_)
            | Self::Number(_)
            | Self::Block(_)
            | Self::List(_) => None,
        }
    }

    /// What it holds: values with keys, and bytes of texts.
    pub(crate) fn size(&self) -> Size {
        let each = |sizes: &mut dyn Iterator<Item = Size>| {
            let whole = Size { values: 1, bytes: 4 };
            sizes.fold(whole, |whole, one| Size {
                values: whole.values + one.values,
                bytes: whole.bytes + one.bytes,
            })
        };
        match self {
            Self::Text(text) | Self::Word(text) | Self::Block(text) => {
                Size { values: 1, bytes: text.len() + 4 }
            }
            Self::Flag(_) | Self::Number(_) => Size { values: 1, bytes: 8 },
            Self::List(items) => each(&mut items.iter().map(Self::size)),
            Self::Map(entries) => each(&mut entries.iter().map(|(key, value)| {
                let size = value.size();
                Size { values: size.values + 1, bytes: size.bytes + key.len() + 4 }
            })),
            Self::Noted(lines, value) => {
                let size = value.size();
                Size { bytes: size.bytes + lines.iter().map(|line| line.len() + 4).sum::<usize>(), ..size }
            }
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> &[(String, Node)] {
        match self {
            Self::Map(entries) => entries,
            Self::Noted(_, value) => value.entries(),
            Self::Text(_)
            | Self::Word(_)
            | Self::Flag(_)
            | Self::Number(_)
            | Self::Block(_)
            | Self::List(_) => &[],
        }
    }

    fn inline(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Block(text) => out.write_str(&quoted(text)),
            Self::Noted(_, value) => value.inline(out),
            Self::Word(word) if is_read_as_another(word) => out.write_str(&quoted(word)),
            Self::Word(word) => out.write_str(word),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::List(items) => {
                out.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    out.write_str(if index == 0 { "" } else { ", " })?;
                    item.inline(out)?;
                }
                out.write_str("]")
            }
            Self::Map(entries) => {
                out.write_str("{ ")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(out, "{}{}: ", if index == 0 { "" } else { ", " }, plain_key(key))?;
                    value.inline(out)?;
                }
                out.write_str(" }")
            }
        }
    }

    /// A mapping in block style at a depth; a short one within a step stands in one line.
    fn block(&self, depth: usize, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = depth * 2;
        for (key, value) in self.entries() {
            let value = match value {
                Self::Noted(lines, value) => {
                    for line in lines.iter().flat_map(|line| line.lines()) {
                        writeln!(out, "{:indent$}# {}", "", comment(line))?;
                    }
                    value.as_ref()
                }
                other => other,
            };
            write!(out, "{:indent$}{}:", "", plain_key(key))?;
            match value {
                Self::Map(entries) if !entries.is_empty() && (depth < 2 || value.is_long()) => {
                    out.write_str("\n")?;
                    value.block(depth + 1, out)?;
                }
                Self::Block(text) if is_literal(text) => {
                    let body = text.trim_end_matches('\n');
                    let chomping = match text.len() - body.len() {
                        0 => "-",
                        1 => "",
                        _ => "+",
                    };
                    writeln!(out, " |{chomping}")?;
                    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                        let indent = if line.is_empty() { 0 } else { indent + 2 };
                        writeln!(out, "{:indent$}{line}", "")?;
                    }
                }
                Self::Text(_)
                | Self::Word(_)
                | Self::Flag(_)
                | Self::Number(_)
                | Self::Block(_)
                | Self::List(_)
                | Self::Map(_)
                | Self::Noted(..) => {
                    out.write_str(" ")?;
                    value.inline(out)?;
                    out.write_str("\n")?;
                }
            }
        }
        Ok(())
    }

    fn is_long(&self) -> bool {
        let mut line = String::new();
        self.inline(&mut line).is_err() || line.chars().count() > ONE_LINE
    }
}

/// Whether YAML reads this word as a truth value, as a number or as nothing at all: an id may be one, and is a text nevertheless.
fn is_read_as_another(word: &str) -> bool {
    let odd = ["null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "~", ""];
    odd.contains(&word) || may_be_number(word)
}

/// Whether it begins as a number does and is no duration.
fn may_be_number(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_duration = unit.len() < word.len() && ["ms", "s", "m", "h", "d"].contains(&unit);
    word.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) && !is_duration
}

/// A key as it is written: plainly where it is read as the same text, else quoted.
fn plain_key(key: &str) -> Cow<'_, str> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let starts = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if starts && key.bytes().all(letters) && !is_read_as_another(key) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(quoted(key))
    }
}

/// Whether a literal block gives back exactly this text.
fn is_literal(text: &str) -> bool {
    let odd = |letter: char| {
        (letter.is_control() && !matches!(letter, '\n' | '\t'))
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.starts_with(|first: char| !first.is_whitespace()) && !text.chars().any(odd)
}

/// A line of comment that stays one.
fn comment(line: &str) -> String {
    let each =
        line.chars().map(|letter| if letter.is_control() || quoted_only(letter) { '?' } else { letter });
    each.collect()
}

fn quoted_only(letter: char) -> bool {
    matches!(letter, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// JSON leaves some characters as they are that YAML would break lines at, or that readers refuse.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            letter if quoted_only(letter) => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            other => out.push(other),
        }
    }
    out
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.block(0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::tests::EDGES;

    #[test]
    fn a_word_that_yaml_reads_as_another_value_stays_a_text() {
        let list = Node::List(vec![Node::word("NULL"), Node::word("a")]);
        let node = Node::Map(vec![
            ("TRUE".to_owned(), list),
            (
                "x".to_owned(),
                Node::Map(vec![("~".to_owned(), Node::Flag(true)), ("a b".to_owned(), Node::count(7))]),
            ),
        ]);
        assert_eq!(node.to_string(), "\"TRUE\": [\"NULL\", a]\nx:\n  \"~\": true\n  \"a b\": 7\n");
        for (text, kept) in EDGES {
            let node = Node::List(vec![Node::word(text), Node::word("7d")]);
            let mut line = String::new();
            node.inline(&mut line).unwrap();
            assert_eq!(line, format!("[\"{text}\", 7d]"), "{kept:?}");
        }
    }

    #[test]
    fn strings_are_quoted_and_mappings_keep_their_order() {
        let node = Node::Map(vec![
            ("b".to_owned(), Node::word("dvt/v1")),
            (
                "steps".to_owned(),
                Node::Map(vec![(
                    "one".to_owned(),
                    Node::Map(vec![
                        ("title".to_owned(), Node::Text("a: \"b\"\n- c\u{2028}\u{85}# d".to_owned())),
                        ("needs".to_owned(), Node::List(vec![Node::word("x"), Node::word("y")])),
                        ("with".to_owned(), Node::Map(vec![("simulate".to_owned(), Node::word("5ms"))])),
                    ]),
                )]),
            ),
        ]);
        assert_eq!(
            node.to_string(),
            "b: dvt/v1\nsteps:\n  one:\n    title: \"a: \\\"b\\\"\\n- c\\u2028\\u0085# d\"\n    needs: [x, y]\n    with: { simulate: 5ms }\n"
        );
    }
}
