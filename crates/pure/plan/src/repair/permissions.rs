//! What `permissions` names and nothing uses is left out. A permission is never added: asking for more is a person's act.

use super::{Edit, after_line, line_of, range};
use crate::read::tree::{Kind, Node};
use crate::security;

pub(super) fn find(text: &str, root: &Node<'_>) -> Vec<Edit> {
    let unused = security::unused_permissions(root);
    let entries = root.entry("permissions").and_then(|entry| entry.value.as_map()).unwrap_or_default();
    let mut edits = Vec::new();
    for entry in entries {
        let Kind::List(items) = &entry.value.kind else { continue };
        for (index, item) in items.iter().enumerate() {
            if !unused.iter().any(|(_, node, _)| std::ptr::eq(*node, item)) {
                continue;
            }
            let name = item.as_text().unwrap_or_default();
            let own = range(item.place);
            let is_flow = text.get(range(entry.value.place)).is_some_and(|list| list.starts_with('['));
            let parts = if is_flow {
                // With the comma before it, or behind it for the first.
                let before = index.checked_sub(1).and_then(|before| items.get(before));
                let cut = match (before, items.get(index + 1)) {
                    (Some(before), _) => before.place.end as usize..own.end,
                    (None, Some(next)) => own.start..next.place.start as usize,
                    (None, None) => own,
                };
                vec![(cut, String::new())]
            } else {
                let (start, _) = line_of(text, own.start);
                let mut parts = vec![(start..after_line(text, own.end), String::new())];
                if items.len() == 1 {
                    let key_end = entry.place.end as usize;
                    let colon =
                        text.get(key_end..).and_then(|rest| rest.find(':')).map(|at| key_end + at + 1);
                    parts.extend(colon.map(|at| (at..at, " []".to_owned())));
                }
                parts
            };
            edits.push(Edit { what: format!("`permissions.{}` no longer names `{name}`", entry.key), parts });
        }
    }
    edits
}
