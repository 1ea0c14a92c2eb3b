//! Texts with values in them, and how they stand in a plan.

use super::expression::{Cel, quoted};
use super::limits::{MOST_BYTES, MOST_PARTS};
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

/// Why a text is not kept that is more than a plan takes.
pub(crate) const TOO_MUCH: &str = "a text of a plan has at most 1000 parts and 131072 bytes";

impl Text {
    /// A text of these pieces; none where a plan would not take it. A piece after that is not asked for.
    pub(crate) fn of(pieces: impl IntoIterator<Item = Piece>) -> Option<Self> {
        let mut text = Self::default();
        let (mut parts, mut bytes) = (0, 0);
        for piece in pieces {
            let (more, longer) = match &piece {
                Piece::Text(text) => (1, text.len()),
                Piece::Value(Cel { literal: Some(literal), .. }) => (1, literal.len()),
                Piece::Value(value) if value.parts.is_empty() => (2, value.source.len()),
                // What it holds was counted when it was made.
                Piece::Value(value) => (2 * value.parts.len(), value.source.len()),
            };
            (parts, bytes) = (parts + more, bytes + longer);
            if parts > MOST_PARTS || bytes > MOST_BYTES {
                return None;
            }
            text.0.push(piece);
        }
        Some(text)
    }

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
                    .enumerate()
                    .map(|(at, piece)| match piece {
                        Piece::Text(text) => quoted(text),
                        Piece::Value(value) if at == 0 => value.as_first_text(),
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
                let mut joined = Cel::sum(&texts);
                joined.parts = parts;
                joined
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::expression::Gives;
    use super::*;

    #[test]
    fn a_text_that_a_plan_does_not_take_is_none() {
        let value = || Piece::Value(Cel::new("x", Gives::Any));
        assert!(
            Text::of((0..500).map(|_| value())).is_some() && Text::of((0..501).map(|_| value())).is_none()
        );
        let long = || Piece::Text("x".repeat(MOST_BYTES / 2));
        assert!(Text::of([long(), long()]).is_some() && Text::of([long(), long(), value()]).is_none());
    }

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
