//! Mermaid's flowchart. Nodes are named by number, and every letter of a label that could mean something to Mermaid, to
//! HTML or to Markdown is written by its code.

use super::{form_of, label};
use crate::Checked;
use dvt_model::id::StepId;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The plan as text for Mermaid.
pub fn mermaid(checked: &Checked) -> String {
    let plan = &checked.plan;
    let mut order: Vec<&StepId> = plan.steps.keys().collect();
    order.sort_by_key(|id| (plan.layer(*id), *id));
    let numbers: BTreeMap<_, usize> = order.iter().enumerate().map(|(number, id)| (*id, number)).collect();
    let mut out = String::from("flowchart TD\n");
    for (number, id) in order.iter().enumerate() {
        let text = escaped(&label(checked, id));
        let (open, close) = match form_of(checked, id) {
            "wait" | "waitUntil" | "signal" => ("([\"", "\"])"),
            "approval" => ("{{\"", "\"}}"),
            "plan" => ("[[\"", "\"]]"),
            _ => ("[\"", "\"]"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  n{number}{open}{text}{close}");
    }
    for id in &order {
        let Some(step) = plan.steps.get(*id) else { continue };
        let to = numbers.get(*id).copied().unwrap_or_default();
        for need in &step.needs {
            let from = numbers.get(need).copied().unwrap_or_default();
            let arrow = if step.condition.is_some() { "-.->" } else { "-->" };
            let _ = writeln!(out, "  n{from} {arrow} n{to}");
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || " .,:_-/()…".contains(letter) {
            out.push(letter);
        } else {
            let _ = write!(out, "#{};", u32::from(letter));
        }
    }
    out
}
