//! A file beside the plan that a step names is added to `files`.

use super::{Edit, after_line, line_break, line_of, range};
use crate::diagnostic::{Source, codes};
use crate::read::tree::{Kind, Node};

pub(super) fn find(text: &str, root: &Node<'_>) -> Vec<Edit> {
    let source = Source { name: String::new(), text: text.to_owned() };
    let told = crate::check(&source).diagnostics;
    let told = told.into_iter().filter(|one| one.code == codes::FILE_NOT_PACKED.code);
    told.filter_map(|one| {
        // The message names the file in backticks, as the argument was read.
        let name = one.message.strip_prefix('`')?.split('`').next()?;
        let name = name.strip_prefix("./").unwrap_or(name);
        Some(Edit { what: format!("`files` packs `{name}`"), parts: vec![insertion(text, root, name)?] })
    })
    .collect()
}

fn insertion(text: &str, root: &Node<'_>, name: &str) -> Option<(std::ops::Range<usize>, String)> {
    let Some(entry) = root.entry("files") else {
        let steps = root.entry("steps")?.place.start as usize;
        let (start, indent) = line_of(text, steps);
        return match indent {
            Some(indent) => Some((start..start, format!("{indent}files: ['{name}']{}", line_break(text)))),
            None => Some((steps..steps, format!("\"files\": [\"{name}\"], "))),
        };
    };
    let Kind::List(items) = &entry.value.kind else { return None };
    let whole = range(entry.value.place);
    let last = items.last()?;
    let end = last.place.end as usize;
    if text.get(whole.start..)?.starts_with('[') {
        let quote = if text.trim_start().starts_with('{') { '"' } else { '\'' };
        return Some((end..end, format!(", {quote}{name}{quote}")));
    }
    let (start, _) = line_of(text, last.place.start as usize);
    let lead = text.get(start..last.place.start as usize)?;
    let at = after_line(text, end);
    let end_of_line = line_break(text);
    let between = if text.get(..at)?.ends_with('\n') { "" } else { end_of_line };
    // With the line of the last one, so that it is seen that the list is changed.
    Some((start..at, format!("{}{between}{lead}'{name}'{end_of_line}", text.get(start..at)?)))
}
