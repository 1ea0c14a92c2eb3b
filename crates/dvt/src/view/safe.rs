//! Foreign text before it reaches a terminal: control characters and direction overrides become visible and harmless.

use crate::view::paint::Paint;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The text without anything that moves a cursor, colours, or reorders. Tabs stay; line ends become visible too.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_dangerous(character) {
            let _ = write!(out, "{}", character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// The same of several lines, whose ends stay.
pub(crate) fn safe_lines(text: &str) -> String {
    text.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

/// The same of lines that we have painted: the colours of [`Paint`] stay.
pub(crate) fn safe_painted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut pieces = text.split('\u{1b}');
    out.extend(pieces.next().map(safe_lines));
    for piece in pieces {
        match Paint::CODES.iter().find_map(|code| Some((code, piece.strip_prefix(code)?))) {
            Some((code, rest)) => {
                out.push('\u{1b}');
                out.push_str(code);
                out.push_str(&safe_lines(rest));
            }
            None => out.push_str(&safe_lines(&format!("\u{1b}{piece}"))),
        }
    }
    out
}

fn is_dangerous(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_overrides_are_shown_not_obeyed() {
        assert_eq!(safe("plain\tühl"), "plain\tühl");
        assert_eq!(safe_lines("a\u{1b}b\nc"), "a\\u{1b}b\nc");
        assert_eq!(safe_painted("\u{1b}[32mok\u{1b}[0m\n"), "\u{1b}[32mok\u{1b}[0m\n");
        assert_eq!(safe_painted("\u{1b}[2Ja\u{1b}[5mb\u{1b}"), "\\u{1b}[2Ja\\u{1b}[5mb\\u{1b}");
        assert_eq!(safe("a\u{1b}[2J\u{202e}b\r\n"), "a\\u{1b}[2J\\u{202e}b\\u{d}\\u{a}");
    }
}
