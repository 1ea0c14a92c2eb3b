//! An expression inside a shell script moves to `env`, and the script reads the variable.
//!
//! Only where the shell's quotes around it are known: bare, or inside double quotes of the same line. In single quotes, in
//! a here document or in Python the text stays, for the variable would be read otherwise there.

use super::{Edit, line_of, range};
use crate::read::tree::{Entry, Node};
use crate::template::{Part, split};

pub(super) fn find(text: &str, root: &Node<'_>) -> Vec<Edit> {
    let steps = root.entry("steps").and_then(|entry| entry.value.as_map()).unwrap_or_default();
    steps.iter().filter_map(|step| of_step(text, step)).collect()
}

fn of_step(text: &str, step: &Entry<'_>) -> Option<Edit> {
    let script = step.value.entry("script")?;
    let shell = step.value.entry("shell").and_then(|entry| entry.value.as_text()).unwrap_or("bash");
    let value = script.value.as_text()?;
    if !matches!(shell, "bash" | "sh") || value.contains("<<") {
        return None;
    }
    let source = split(value).ok()?.into_iter().find_map(|part| match part {
        Part::Expression(inside) => value.get(inside),
        Part::Text(_) => None,
    })?;
    // Where it stands in the text as written; a value that was folded or escaped may not hold it letter by letter.
    let place = range(script.value.place);
    let raw = text.get(place.clone())?;
    let written = format!("${{{{{source}}}}}");
    let at = place.start + raw.find(&written)?;
    let (line, _) = line_of(text, at);
    let before = text.get(line..at)?;
    let quotes = Quotes::after(before);
    let source = source.trim();
    let (name, is_there) = name_for(step, source)?;
    let with = match quotes {
        Quotes::None => format!("\"${{{name}}}\""),
        Quotes::Double => format!("${{{name}}}"),
        Quotes::Single => return None,
    };
    let mut parts = vec![(at..at + written.len(), with)];
    if !is_there {
        parts.push(entry_of_env(text, step, script, &name, source)?);
    }
    Some(Edit { what: format!("`{}` reads `{source}` from `{name}` of its `env`", step.key), parts })
}

/// The quotes that are open at the end of a line's beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

impl Quotes {
    fn after(line: &str) -> Self {
        let mut state = Self::None;
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            state = match (state, letter) {
                (Self::None | Self::Double, '\\') => {
                    letters.next();
                    state
                }
                (Self::None, '\'') => Self::Single,
                (Self::None, '"') => Self::Double,
                (Self::Single, '\'') | (Self::Double, '"') => Self::None,
                _ => state,
            };
        }
        state
    }
}

/// The variable, and whether the step has it with this very value.
fn name_for(step: &Entry<'_>, source: &str) -> Option<(String, bool)> {
    let word = source
        .rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .find(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()))
        .unwrap_or("value");
    let base = format!("{}{}", if word.len() < 3 { "VALUE_" } else { "" }, word.to_ascii_uppercase());
    let env = step.value.entry("env").map(|entry| &entry.value);
    for number in 1..100 {
        let name = if number == 1 { base.clone() } else { format!("{base}_{number}") };
        match env.and_then(|env| env.entry(&name)) {
            None => return Some((name, false)),
            Some(entry) => {
                let inside = entry.value.as_text().and_then(|text| text.strip_prefix("${{"));
                let inside = inside.and_then(|text| text.strip_suffix("}}")).map(str::trim);
                if inside == Some(source) {
                    return Some((name, true));
                }
            }
        }
    }
    None
}

fn entry_of_env(
    text: &str,
    step: &Entry<'_>,
    script: &Entry<'_>,
    name: &str,
    source: &str,
) -> Option<(std::ops::Range<usize>, String)> {
    let pair = format!("{name}: '${{{{ {} }}}}'", source.replace('\'', "''"));
    let Some(env) = step.value.entry("env") else {
        let key = script.place.start as usize;
        let (start, indent) = line_of(text, key);
        return Some(match indent {
            Some(indent) => (start..start, format!("{indent}env: {{ {pair} }}\n")),
            None => (key..key, format!("env: {{ {pair} }}, ")),
        });
    };
    let first = env.value.as_map()?.first()?;
    let key = first.place.start as usize;
    let (start, indent) = line_of(text, key);
    Some(match indent {
        Some(indent) => (start..start, format!("{indent}{pair}\n")),
        None => (key..key, format!("{pair}, ")),
    })
}
