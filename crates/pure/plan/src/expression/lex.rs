//! Text to tokens, by the lexical grammar of CEL. It owns words, numbers and symbols; strings are in `literal`.
//!
//! Unsigned integers and bytes are refused by name: the plan language speaks JSON, which has neither.

use super::{SyntaxError, literal};
use std::ops::Range;

/// One token and its byte range.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// The magnitude of an integer; the parser knows its sign.
    Int(u64),
    Double(f64),
    String(String),
    /// A word, keywords included.
    Word(String),
    /// A field name in back quotes.
    Quoted(String),
    Symbol(&'static str),
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 23] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "(", ")", "[", "]", "{", "}",
    ".", ",", ":",
];

/// Splits the text.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let skipped = skip(rest);
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let (kind, length) = token(rest, at)?;
        tokens.push(Token { kind, range: at..at + length });
        at += length;
    }
    Ok(tokens)
}

/// White space or one comment at the start.
fn skip(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).len()
}

fn token(rest: &str, at: usize) -> Result<(TokenKind, usize), SyntaxError> {
    let first = rest.chars().next().unwrap_or(' ');
    if let Some(opening) = literal::opening(rest) {
        return literal::string(rest, at, &opening).map(|(text, length)| (TokenKind::String(text), length));
    }
    if first.is_ascii_digit() || (first == '.' && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)) {
        return number(rest, at);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = word_length(rest);
        return Ok((TokenKind::Word(rest.get(..length).unwrap_or_default().to_owned()), length));
    }
    if first == '`' {
        return quoted(rest, at);
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Ok((TokenKind::Symbol(symbol), symbol.len()));
    }
    if first == '?' {
        return Ok((TokenKind::Symbol("?"), 1));
    }
    let message = match first {
        '=' => "`=` is no operator here; `==` compares".to_owned(),
        '&' => "`&` is no operator here; `&&` means and".to_owned(),
        '|' => "`|` is no operator here; `||` means or".to_owned(),
        '$' => "this is an expression already; `${{ }}` does not stand inside one".to_owned(),
        other => format!("`{}` has no meaning in an expression", other.escape_debug()),
    };
    Err(SyntaxError::new(message, at..at + first.len_utf8()))
}

fn word_length(rest: &str) -> usize {
    rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len()
}

fn quoted(rest: &str, at: usize) -> Result<(TokenKind, usize), SyntaxError> {
    let inner = rest.get(1..).unwrap_or_default();
    let length =
        inner.find('`').ok_or_else(|| SyntaxError::new("the back quote is never closed", at..at + 1))?;
    let name = inner.get(..length).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' ');
    if name.is_empty() || !name.chars().all(fits) {
        return Err(SyntaxError::new(
            "between back quotes stand letters, digits, `_`, `.`, `-`, `/` and spaces",
            at..at + length + 2,
        ));
    }
    Ok((TokenKind::Quoted(name.to_owned()), length + 2))
}

fn number(rest: &str, at: usize) -> Result<(TokenKind, usize), SyntaxError> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")).map(|hex| {
        let length = hex.len() - hex.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
        hex.get(..length).unwrap_or_default()
    });
    if let Some(hex) = hexadecimal.filter(|hex| !hex.is_empty()) {
        let length = hex.len() + 2;
        let value = u64::from_str_radix(hex, 16).map_err(|_| too_large(at..at + length))?;
        return finish(rest, at, length, TokenKind::Int(value));
    }
    let mut length = digits(0);
    let mut is_double = false;
    if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
        is_double = true;
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
            is_double = true;
        }
    }
    let text = rest.get(..length).unwrap_or_default();
    let kind = if is_double {
        let value: f64 = text.parse().map_err(|_| too_large(at..at + length))?;
        if !value.is_finite() {
            return Err(too_large(at..at + length));
        }
        TokenKind::Double(value)
    } else {
        TokenKind::Int(text.parse().map_err(|_| too_large(at..at + length))?)
    };
    finish(rest, at, length, kind)
}

/// A number ends at a border: `12ab` is no number and a word.
fn finish(rest: &str, at: usize, length: usize, kind: TokenKind) -> Result<(TokenKind, usize), SyntaxError> {
    let tail = rest.get(length..).unwrap_or_default();
    let word = word_length(tail);
    match tail.get(..word) {
        None | Some("") => Ok((kind, length)),
        Some("u" | "U") => {
            Err(SyntaxError::new("unsigned integers are not part of the plan language", at..at + length + 1))
        }
        Some(_) => Err(SyntaxError::new(
            format!("`{}` is no number", rest.get(..length + word).unwrap_or_default()),
            at..at + length + word,
        )),
    }
}

fn too_large(range: Range<usize>) -> SyntaxError {
    SyntaxError::new("the number is too large", range)
}
