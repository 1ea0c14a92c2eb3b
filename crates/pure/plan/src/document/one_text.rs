//! A command that was written as one text: what to write in its place, so that it is read and means the same.

use crate::read::scalar;
use crate::read::tree::Kind;
use crate::template::OPEN;

/// Longer texts are not repeated.
const LONGEST: usize = 200;
/// What stands for itself in every place of YAML, beside letters and digits.
const PLAIN: &[char] = &['_', '-', '.', '/', '=', '+', '@', '%', '~', '^', ':'];

/// A list where each word is one argument; a script where only a shell knows what is meant.
pub(crate) fn way_out(text: &str) -> String {
    let text = text.trim();
    if text.len() > LONGEST {
        return "run: [program, argument]   or for a shell   script: |".to_owned();
    }
    match words(text) {
        Some(words) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word, is_plain_word)).collect();
            format!("run: [{}]   or for a shell   script: |", words.join(", "))
        }
        None if text.contains(OPEN) => "script: |   with what it reads in `env`".to_owned(),
        None => format!("script: {}", quoted(text, is_plain_line)),
    }
}

/// The words as a shell splits them; nothing where it would do more than that.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            _ if rest.starts_with(OPEN) => rest.find("}}")? + 2,
            '\'' | '"' => {
                let inside = rest.get(1..)?.split_once(letter)?.0;
                if letter == '"' && inside.contains(['$', '`', '\\']) {
                    return None;
                }
                word.get_or_insert_default().push_str(inside);
                rest = rest.get(inside.len() + 2..)?;
                continue;
            }
            ' ' | '\t' => {
                words.extend(word.take());
                rest = rest.get(1..)?;
                continue;
            }
            '\n' | '\r' | '&' | '|' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '\\' | '*' | '?' => {
                return None;
            }
            '#' | '~' if word.is_none() => return None,
            // A variable before the program.
            '=' if words.is_empty() => return None,
            other => other.len_utf8(),
        };
        let (part, after) = rest.split_at_checked(length)?;
        word.get_or_insert_default().push_str(part);
        rest = after;
    }
    words.extend(word);
    (!words.is_empty()).then_some(words)
}

/// A text in YAML, in quotes where it needs them.
fn quoted(text: &str, is_plain: fn(&str) -> bool) -> String {
    if is_plain(text) && reads_as_written(text) {
        text.to_owned()
    } else if text.contains(char::is_control) {
        serde_json::Value::from(text).to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn is_plain_word(word: &str) -> bool {
    let is_plain = |letter: char| letter.is_alphanumeric() || PLAIN.contains(&letter);
    begins_plain(word) && !word.ends_with(':') && word.chars().all(is_plain)
}

fn is_plain_line(line: &str) -> bool {
    let ends =
        line.contains(": ") || line.contains(" #") || line.ends_with(':') || line.contains(char::is_control);
    begins_plain(line) && !ends
}

fn begins_plain(text: &str) -> bool {
    let begins = |first: char| first.is_alphanumeric() || matches!(first, '_' | '.' | '/');
    let option = text.trim_start_matches('-');
    text.starts_with(begins) || (option.len() < text.len() && option.starts_with(char::is_alphanumeric))
}

/// Whether a plain scalar is given to the program letter by letter.
fn reads_as_written(text: &str) -> bool {
    match scalar::plain(text) {
        Ok(Kind::Text(_)) => true,
        Ok(Kind::Number(number)) => number.to_string() == text,
        Ok(Kind::Bool(value)) => value.to_string() == text,
        _ => false,
    }
}
