//! Texts with values in them, and how they stand in a plan.

use super::expression::{Cel, Gives};
use crate::{Node, names};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Value(Cel),
}

/// A text as its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Vec<Piece>);

/// Where the text is itself, and where something is pasted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Value(&'a str),
}

/// The parts of a text in which values stand between `open` and `}}`.
pub(crate) fn split<'a>(text: &'a str, open: &str) -> Vec<Part<'a>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((inner, after)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            found.push(Part::Text(before));
        }
        found.push(Part::Value(inner.trim()));
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Part::Text(rest));
    }
    found
}

impl Text {
    pub(crate) fn literal(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    pub(crate) fn value(value: Cel) -> Self {
        Self(vec![Piece::Value(value)])
    }

    /// The text, where nothing in it waits for the run.
    pub(crate) fn known(&self) -> Option<String> {
        let each = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Value(value) => value.literal.as_deref(),
        });
        each.collect()
    }

    /// As a value of the plan: what is known is a literal, everything else an expression in its place.
    pub(crate) fn node(&self) -> Node {
        let mut out = String::new();
        let mut text = String::new();
        let flat = self.0.iter().flat_map(|piece| match piece {
            Piece::Value(Cel { parts, .. }) if !parts.is_empty() => parts.as_slice(),
            piece => std::slice::from_ref(piece),
        });
        for piece in flat {
            match piece {
                Piece::Text(more) | Piece::Value(Cel { literal: Some(more), .. }) => text.push_str(more),
                Piece::Value(value) => {
                    // Two literals side by side may open an expression that neither of them opens.
                    out.push_str(&names::literal(&std::mem::take(&mut text)));
                    out.push_str(&format!("${{{{ {} }}}}", value.in_text()));
                }
            }
        }
        Node::Text(out + &names::literal(&text))
    }

    /// As one expression.
    pub(crate) fn cel(&self) -> Cel {
        if let Some(known) = self.known() {
            return match self.0.as_slice() {
                [Piece::Value(value)] => value.clone(),
                _ => Cel::text(&known),
            };
        }
        match self.0.as_slice() {
            [Piece::Value(value)] => value.clone(),
            pieces => {
                let texts: Vec<String> = pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Text(text) => super::expression::quoted(text),
                        Piece::Value(value) => value.as_text(),
                    })
                    .collect();
                // One level is kept flat, so that a text that is handed on stays readable.
                let mut parts = Vec::new();
                for piece in pieces {
                    match piece {
                        Piece::Value(Cel { parts: inner, .. }) if !inner.is_empty() => {
                            parts.extend(inner.clone())
                        }
                        piece => parts.push(piece.clone()),
                    }
                }
                let mut joined = Cel::compound(texts.join(" + "), Gives::Text);
                joined.parts = parts;
                joined
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_parts_and_stays_a_literal() {
        assert_eq!(
            split("a {{ b }}{{c}} {{ d", "{{"),
            [Part::Text("a "), Part::Value("b"), Part::Value("c"), Part::Text(" {{ d")]
        );
        let text = Text(vec![
            Piece::Text("x ${{ y }} ".to_owned()),
            Piece::Value(Cel::new("inputs.z", Gives::Any)),
            Piece::Text("$".to_owned()),
            Piece::Value(Cel::text("{{ w }}")),
        ]);
        assert_eq!(text.node(), Node::Text("x $ {{ y }} ${{ inputs.z }}$ {{ w }}".to_owned()));
        assert_eq!(
            text.cel().source,
            r#""x $\u007b\u007b y \u007d\u007d " + string(inputs.z) + "$" + "\u007b\u007b w \u007d\u007d""#
        );
    }
}
