//! Words of other dialects become ours, where our word is a key of the same mapping. Minutes and seconds get their unit.

use super::{Edit, range};
use crate::document::dialect;
use crate::document::keys::Level;
use crate::read::tree::{Entry, Kind, Node};
use crate::template::OPEN;
use serde_json::Number;

pub(super) fn find(text: &str, root: &Node<'_>) -> Vec<Edit> {
    let mut edits = Vec::new();
    let plan = root.as_map().unwrap_or_default();
    words(plan, Level::Plan, "the plan", text, &mut edits);
    for entry in plan {
        match entry.name() {
            "steps" | "finally" => {
                for step in entry.value.as_map().unwrap_or_default() {
                    let keys = step.value.as_map().unwrap_or_default();
                    words(keys, Level::Step, &format!("`{}`", step.key), text, &mut edits);
                    for inner in keys.iter().filter(|key| key.name() == "retry") {
                        inside(inner, &format!("`retry` of `{}`", step.key), text, &mut edits);
                    }
                }
            }
            "defaults" => {
                for inner in entry.value.as_map().unwrap_or_default() {
                    inside(inner, &format!("`{}` of `defaults`", inner.key), text, &mut edits);
                }
            }
            _ => {}
        }
    }
    edits
}

fn inside(entry: &Entry<'_>, owner: &str, text: &str, edits: &mut Vec<Edit>) {
    words(entry.value.as_map().unwrap_or_default(), Level::Inner, owner, text, edits);
}

fn words(entries: &[Entry<'_>], level: Level, owner: &str, text: &str, edits: &mut Vec<Edit>) {
    for entry in entries {
        let Some((ours, _)) = dialect::answer(entry.key, level) else { continue };
        let is_key = ours.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_key || entries.iter().any(|other| other.name() == ours) {
            continue;
        }
        if means_more(entry) {
            continue;
        }
        // In the quotes in which the word stood, for JSON has no others.
        let key = text.get(range(entry.place)).unwrap_or_default();
        let quote = key.get(..1).filter(|quote| matches!(*quote, "\"" | "'")).unwrap_or_default();
        let mut parts = vec![(range(entry.place), format!("{quote}{ours}{quote}"))];
        // They count the first attempt, too; `max` counts what may follow it.
        if matches!(entry.key, "maxAttempts" | "max_attempts") {
            let Kind::Number(all) = &entry.value.kind else { continue };
            let Some(more) = all.as_u64().and_then(|all| all.checked_sub(1)) else { continue };
            parts.push((range(entry.value.place), more.to_string()));
        }
        if let Some(unit) = unit_of(entry.key) {
            match &entry.value.kind {
                Kind::Number(number) => {
                    let Some(duration) = duration(number, unit) else { continue };
                    parts.push((range(entry.value.place), format!("{quote}{duration}{quote}")));
                }
                // What it says in the run is a number without a unit.
                Kind::Text(text) if text.contains(OPEN) => continue,
                _ => {}
            }
        }
        edits.push(Edit { what: format!("`{}` of {owner} is `{ours}` here", entry.key), parts });
    }
}

/// Words that say more there than ours would say here: a matrix with members that are no lists of the product, and arguments of a
/// program that stands elsewhere.
fn means_more(entry: &Entry<'_>) -> bool {
    match entry.key {
        "args" | "arguments" => true,
        "matrix" | "strategy" => entry.value.as_map().is_some_and(|members| {
            let words =
                ["exclude", "include", "fail-fast", "failFast", "matrix", "max-parallel", "maxParallel"];
            members.iter().any(|member| words.contains(&member.name()))
        }),
        _ => false,
    }
}

/// So many of a unit; in a smaller one where it is no whole number of them.
fn duration(number: &Number, unit: char) -> Option<String> {
    if number.is_u64() {
        return Some(format!("{number}{unit}"));
    }
    let scale = if unit == 'm' { 60_000.0 } else { 1_000.0 };
    let ms = number.as_f64()? * scale;
    if !(1.0..1e15).contains(&ms) || ms.fract() != 0.0 {
        return None;
    }
    Some(if ms % 1_000.0 == 0.0 { format!("{}s", ms / 1_000.0) } else { format!("{ms}ms") })
}

fn unit_of(word: &str) -> Option<char> {
    let lower = word.to_ascii_lowercase();
    if lower.contains("minutes") {
        Some('m')
    } else if lower.contains("seconds") || lower == "timeout" || lower.ends_with("_timeout") {
        Some('s')
    } else {
        None
    }
}
