//! Words of foreign expressions: GitHub's, expr-lang's and govaluate's, which differ little at this level.

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Text(String),
    Number(String),
    Name(String),
    /// `{{…}}` within govaluate: what stands between.
    Inner(String),
    Sign(&'static str),
}

const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "??", "(", ")", "[", "]", "{", "}", ",", ".", "!", "<", ">", "?",
    ":", "+", "*",
];
const ARITHMETIC: [&str; 3] = ["-", "/", "%"];

/// The words of a text; `None` where it is nothing that we know. A name may hold `-` as GitHub's do.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if found.len() > 2_000 {
            return None;
        }
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if let Some(after) = rest.strip_prefix("{{") {
            let (inner, after) = after.split_once("}}")?;
            found.push(Token::Inner(inner.trim().to_owned()));
            rest = after;
        } else if first == '\'' || first == '"' {
            let (content, after) = quoted(rest, first)?;
            found.push(Token::Text(content));
            rest = after;
        } else if first.is_ascii_digit() {
            let end = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            number.parse::<f64>().ok().filter(|number| number.is_finite())?;
            found.push(Token::Number(number.to_owned()));
            rest = after;
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            found.push(Token::Name(name.to_owned()));
            rest = after;
        } else {
            let sign = SIGNS.iter().chain(&ARITHMETIC).find(|sign| rest.starts_with(**sign))?;
            found.push(Token::Sign(sign));
            rest = rest.get(sign.len()..)?;
        }
    }
    Some(found)
}

/// A quoted text: `''` is a quote in GitHub's, a backslash escapes in expr-lang's.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            if quote == '\'' && letters.peek().is_some_and(|(_, next)| *next == quote) {
                letters.next();
                content.push(quote);
                continue;
            }
            return Some((content, text.get(at + 1..)?));
        }
        match letter {
            '\\' if letters.peek().is_some_and(|(_, next)| *next == quote || *next == '\\') => {
                content.extend(letters.next().map(|(_, next)| next));
            }
            other => content.push(other),
        }
    }
    None
}
