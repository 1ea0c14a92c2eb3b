//! A plan as a picture: Mermaid text and SVG. Titles are foreign text and stay text in both.
//!
//! The layout is by layers: a step stands one row below its deepest need, rows are ordered by the mean place of their
//! needs. Nothing here runs longer than a sort of the steps and a few passes over the edges.

mod layout;
mod mermaid;
mod svg;

pub use mermaid::mermaid;
pub use svg::svg;

use crate::Checked;
use dvt_model::id::StepId;
use serde_json::Value;

/// Characters of a label that are shown.
const MOST_SHOWN: usize = 40;

/// What a step is called: its title where it has one, else its id. One line, no control or direction marks.
fn label(checked: &Checked, id: &StepId) -> String {
    let document = checked.canonical.value();
    let body = ["steps", "finally"].into_iter().find_map(|part| document.get(part)?.get(id.as_str()));
    let title = body.and_then(|step| step.get("title")).and_then(Value::as_str).unwrap_or(id.as_str());
    let is_mark = |letter: char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let clean: String = title
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .filter(|letter| !is_mark(*letter))
        .collect();
    let clean = clean.trim();
    let mut shown: String = clean.chars().take(MOST_SHOWN).collect();
    if clean.chars().nth(MOST_SHOWN).is_some() {
        shown.push('…');
    }
    if shown.is_empty() { id.to_string() } else { shown }
}

/// The word of the step's form.
fn form_of(checked: &Checked, id: &StepId) -> &'static str {
    checked.plan.steps.get(id).map_or("", |step| step.form.word())
}
