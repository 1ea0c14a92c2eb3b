//! Plans that are JSON: two blanks a level; lists of short scalars on one line. Scalars are copied as they stand.

use super::Meaning;
use crate::read::texts::Texts;
use crate::read::tree::{Kind, Node, Place};

/// Columns that a list on one line may take.
const WIDTH: usize = 100;

/// The layout of a JSON text; `None` where it is YAML.
pub(super) fn pretty(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return None;
    }
    let texts = Texts::default();
    let Meaning { tree, .. } = super::meaning(text, &texts).ok()?;
    let mut out = String::new();
    write(text, &tree, 0, &mut out)?;
    out.push('\n');
    Some(out)
}

fn write(text: &str, node: &Node<'_>, depth: usize, out: &mut String) -> Option<()> {
    let level = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match &node.kind {
        Kind::List(items) if items.is_empty() => out.push_str("[]"),
        Kind::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Kind::List(items) => {
            if let Some(line) = short(text, items)
                && depth * 2 + line.len() <= WIDTH
            {
                out.push_str(&line);
                return Some(());
            }
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                level(depth + 1, out);
                write(text, item, depth + 1, out)?;
            }
            level(depth, out);
            out.push(']');
        }
        Kind::Map(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                level(depth + 1, out);
                out.push_str(source(text, entry.place)?);
                out.push_str(": ");
                write(text, &entry.value, depth + 1, out)?;
            }
            level(depth, out);
            out.push('}');
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {
            out.push_str(source(text, node.place)?)
        }
    }
    Some(())
}

/// A list of scalars on one line.
fn short(text: &str, items: &[Node<'_>]) -> Option<String> {
    let scalar = |node: &Node<'_>| match node.kind {
        Kind::List(_) | Kind::Map(_) => None,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => source(text, node.place),
    };
    let all: Option<Vec<&str>> = items.iter().map(scalar).collect();
    Some(format!("[{}]", all?.join(", ")))
}

fn source(text: &str, place: Place) -> Option<&str> {
    text.get(place.start as usize..place.end as usize).filter(|scalar| !scalar.is_empty())
}
