//! String literals: quotes of one or three, raw strings, and the escapes of CEL.
//!
//! Bytes literals are refused by name. A string between single quote marks ends on its line; in a raw one a backslash
//! is only a backslash, so `r'\'` is whole.

use super::SyntaxError;

/// How a string opens.
pub(super) struct Opening {
    quote: &'static str,
    prefix: usize,
    raw: bool,
    bytes: bool,
}

/// Whether a string begins here, and how.
pub(super) fn opening(rest: &str) -> Option<Opening> {
    // No further than a prefix reaches: a string is looked for at every token.
    let prefix = rest.bytes().take(3).position(|byte| matches!(byte, b'"' | b'\''))?;
    let (raw, bytes) = match rest.get(..prefix)? {
        "" => (false, false),
        "r" | "R" => (true, false),
        "b" | "B" => (false, true),
        two if two.eq_ignore_ascii_case("br") || two.eq_ignore_ascii_case("rb") => (true, true),
        _ => return None,
    };
    let quoted = rest.get(prefix..)?;
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| quoted.starts_with(quote))?;
    Some(Opening { quote, prefix, raw, bytes })
}

/// Reads the string; answers its value and its length in the source.
pub(super) fn string(rest: &str, at: usize, opening: &Opening) -> Result<(String, usize), SyntaxError> {
    let start = opening.prefix + opening.quote.len();
    if opening.bytes {
        return Err(SyntaxError::new(
            "bytes are not part of the plan language; use a string",
            at..at + start,
        ));
    }
    let one_line = opening.quote.len() == 1;
    let mut value = String::new();
    let mut position = start;
    loop {
        let tail = rest.get(position..).unwrap_or_default();
        if tail.starts_with(opening.quote) {
            return Ok((value, position + opening.quote.len()));
        }
        let Some(next) = tail.chars().next().filter(|next| !(one_line && matches!(next, '\n' | '\r'))) else {
            return Err(SyntaxError::new("the string is never closed", at..at + start));
        };
        if next == '\\' && !opening.raw {
            let (character, length) = escape(tail).map_err(|(message, length)| {
                SyntaxError::new(message, at + position..at + position + length)
            })?;
            value.push(character);
            position += length;
        } else {
            value.push(next);
            position += next.len_utf8();
        }
    }
}

/// One escape, at a backslash; the error has a message and a length.
fn escape(tail: &str) -> Result<(char, usize), (String, usize)> {
    let mut characters = tail.chars();
    characters.next();
    let Some(letter) = characters.next() else { return Err(("the escape is not finished".to_owned(), 1)) };
    let plain = match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' | '?' | '"' | '\'' | '`' => letter,
        'x' | 'X' => return coded(tail, 2, 2, 16),
        'u' => return coded(tail, 2, 4, 16),
        'U' => return coded(tail, 2, 8, 16),
        '0'..='3' => return coded(tail, 1, 3, 8),
        other => return Err((format!("`\\{}` is no escape", other.escape_debug()), 1 + other.len_utf8())),
    };
    Ok((plain, 2))
}

fn coded(tail: &str, skip: usize, digits: usize, radix: u32) -> Result<(char, usize), (String, usize)> {
    let length = skip + digits;
    let refuse = |message: &str| (message.to_owned(), length.min(tail.len()));
    let text = tail
        .get(skip..length)
        .filter(|text| text.chars().all(|digit| digit.is_digit(radix)))
        .ok_or_else(|| (format!("this escape needs {digits} digits"), skip))?;
    let code = u32::from_str_radix(text, radix).map_err(|_| refuse("the escape is too large"))?;
    char::from_u32(code).map(|found| (found, length)).ok_or_else(|| refuse("the escape names no character"))
}
