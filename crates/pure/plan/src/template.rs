//! Text and values with expressions inside. What came out of an expression is never parsed again.
//!
//! An expression ends at the first `}}` that stands neither inside a string of the expression nor inside its own
//! braces, so `${{ {'a': {'b': 1}} }}` and `${{ '}}' }}` are what they look like.

use crate::expression::Expression;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// A string in which `${{ … }}` may stand.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its pieces in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub enum Piece {
    /// As written.
    Text(String),
    /// An expression; inside text it must yield a string, number or boolean.
    Expression(Expression),
}

/// A JSON value whose strings may hold expressions.
#[derive(Debug, Clone)]
pub enum TemplateValue {
    /// No expression anywhere inside.
    Literal(Value),
    /// Exactly one expression: keeps its typed JSON.
    Expression(Expression),
    /// Text with expressions inside; the result is a string.
    Text(Template),
    /// A list.
    List(Vec<TemplateValue>),
    /// An object.
    Object(BTreeMap<String, TemplateValue>),
}

impl Template {
    /// The literal text, where no expression stands inside.
    pub fn as_literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Visits every expression inside.
    pub fn each_expression<'t>(&'t self, visit: &mut impl FnMut(&'t Expression)) {
        for piece in &self.pieces {
            if let Piece::Expression(expression) = piece {
                visit(expression);
            }
        }
    }
}

impl TemplateValue {
    /// Visits every expression inside. Documents nest 64 deep at most, so the recursion is bounded.
    pub fn each_expression<'t>(&'t self, visit: &mut impl FnMut(&'t Expression)) {
        match self {
            Self::Literal(_) => {}
            Self::Expression(expression) => visit(expression),
            Self::Text(template) => template.each_expression(visit),
            Self::List(items) => items.iter().for_each(|item| item.each_expression(visit)),
            Self::Object(members) => members.values().for_each(|member| member.each_expression(visit)),
        }
    }
}

/// A part of a text: literal, or the inside of `${{ … }}`, as byte ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// As written.
    Text(Range<usize>),
    /// Between `${{` and `}}`, white space included.
    Expression(Range<usize>),
}

/// Where an expression opens.
pub(crate) const OPEN: &str = "${{";

/// Splits a text into its parts; the error is where an expression opens and does not end.
pub(crate) fn split(text: &str) -> Result<Vec<Part>, usize> {
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(OPEN)) {
        let open = from + found;
        if open > from {
            parts.push(Part::Text(from..open));
        }
        let inside = open + OPEN.len();
        let close = text.get(inside..).and_then(close).ok_or(open)? + inside;
        parts.push(Part::Expression(inside..close));
        from = close + 2;
    }
    if from < text.len() {
        parts.push(Part::Text(from..text.len()));
    }
    Ok(parts)
}

/// The offset of the `}}` that ends an expression.
fn close(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied();
    let mut depth = 0_usize;
    let mut index = 0;
    while let Some(byte) = at(index) {
        match byte {
            b'\'' | b'"' => {
                let raw =
                    index.checked_sub(1).and_then(at).is_some_and(|before| matches!(before, b'r' | b'R'));
                index = string_end(bytes, index, raw)?;
                continue;
            }
            // A comment ends with its line, or with the expression that it stands in: what comes after is text again.
            b'/' if at(index + 1) == Some(b'/') => {
                let rest = bytes.get(index..)?;
                let ends = |pair: &[u8]| pair == b"}}" || pair.first() == Some(&b'\n');
                index += rest.windows(2).position(ends)?;
                if at(index) == Some(b'}') {
                    return Some(index);
                }
            }
            b'{' => depth += 1,
            b'}' if depth == 0 && at(index + 1) == Some(b'}') => return Some(index),
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        index += 1;
    }
    None
}

/// The offset after a string literal (`'…'`, `"…"` or one of these tripled) that begins at `start`.
fn string_end(bytes: &[u8], start: usize, raw: bool) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let triple = bytes.get(start..start + 3).is_some_and(|three| three.iter().all(|byte| *byte == quote));
    let mut index = start + if triple { 3 } else { 1 };
    loop {
        let byte = *bytes.get(index)?;
        if byte == b'\\' && !raw {
            index += 2;
        } else if byte == quote {
            if !triple {
                return Some(index + 1);
            }
            if bytes.get(index..index + 3).is_some_and(|three| three.iter().all(|byte| *byte == quote)) {
                return Some(index + 3);
            }
            index += 1;
        } else {
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<String> {
        let show = |part: Part| match part {
            Part::Text(range) => text[range].to_owned(),
            Part::Expression(range) => format!("<{}>", text[range].trim()),
        };
        split(text).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn expressions_end_where_they_seem_to() {
        for (text, expected) in [
            ("", vec![]),
            ("plain $x {{ }}", vec!["plain $x {{ }}"]),
            ("a ${{ b }}c${{d}}", vec!["a ", "<b>", "c", "<d>"]),
            ("${{ '}}' }}", vec!["<'}}'>"]),
            (r#"${{ "\"}}" + x }}!"#, vec![r#"<"\"}}" + x>"#, "!"]),
            (r"${{ r'\' }}!", vec![r"<r'\'>", "!"]),
            ("${{ '''it's }}''' }}", vec!["<'''it's }}'''>"]),
            ("${{ {'a': {'b': 1}} }}", vec!["<{'a': {'b': 1}}>"]),
            ("${{ {'a': {'b': 1}}}}", vec!["<{'a': {'b': 1}}>"]),
            ("${{ '${{' }}", vec!["<'${{'>"]),
            ("ä${{ü}}ö", vec!["ä", "<ü>", "ö"]),
            ("${{ a // it's }}!", vec!["<a // it's>", "!"]),
            ("${{ a // ' }} and ${{ b // \" }}", vec!["<a // '>", " and ", "<b // \">"]),
            ("${{ a // {{ it's\n + '}}' }}!", vec!["<a // {{ it's\n + '}}'>", "!"]),
            ("${{ 'http://x' }}!", vec!["<'http://x'>", "!"]),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn one_that_does_not_end_is_told_with_its_beginning() {
        for (text, at) in [
            ("x ${{ a", 2),
            ("${{ ' }}", 0),
            ("${{ {{ }}", 0),
            ("${{ a }} ${{ \\", 9),
            ("${{ a // ' }} and ${{ ' }}", 18),
            ("${{ a //", 0),
            ("${{ a // b\n", 0),
        ] {
            assert_eq!(split(text), Err(at), "{text}");
        }
    }
}
