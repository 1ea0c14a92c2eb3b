//! The document as it is written: block style, order kept, every foreign string a double-quoted scalar.
//!
//! A JSON string is a YAML 1.2 double-quoted scalar, so quoting is serde_json's; a plain scalar stands only where we chose
//! the word ourselves or it is a plain id.

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
    /// A list, written in one line.
    List(Vec<Node>),
    /// A mapping, in this order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A word of our own.
    pub(crate) fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Text(_) | Self::Word(_) | Self::Flag(_) | Self::List(_) => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> &[(String, Node)] {
        match self {
            Self::Map(entries) => entries,
            Self::Text(_) | Self::Word(_) | Self::Flag(_) | Self::List(_) => &[],
        }
    }

    fn inline(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(&quoted(text)),
            Self::Word(word) => out.write_str(word),
            Self::Flag(flag) => write!(out, "{flag}"),
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
                    write!(out, "{}{key}: ", if index == 0 { "" } else { ", " })?;
                    value.inline(out)?;
                }
                out.write_str(" }")
            }
        }
    }

    /// A mapping in block style at a depth; what lies three levels below the top stands in one line.
    fn block(&self, depth: usize, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.entries() {
            write!(out, "{:indent$}{key}:", "", indent = depth * 2)?;
            match value {
                Self::Map(entries) if depth < 2 && !entries.is_empty() => {
                    out.write_str("\n")?;
                    value.block(depth + 1, out)?;
                }
                Self::Text(_) | Self::Word(_) | Self::Flag(_) | Self::List(_) | Self::Map(_) => {
                    out.write_str(" ")?;
                    value.inline(out)?;
                    out.write_str("\n")?;
                }
            }
        }
        Ok(())
    }
}

/// JSON leaves some characters as they are that YAML would break lines at, or that readers refuse.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
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
