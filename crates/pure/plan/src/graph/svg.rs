//! One SVG without script, style sheet, link or foreign object. Text of the plan stands in text nodes alone, escaped.

use super::{form_of, label, layout};
use crate::Checked;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEIGHT: usize = 32;
const ROW: usize = 76;
const GAP: usize = 24;
const MARGIN: usize = 20;
/// Width of one letter of the monospaced face at this size.
const LETTER: usize = 8;

/// The plan as an SVG document.
pub fn svg(checked: &Checked) -> String {
    let plan = &checked.plan;
    let rows = layout::rows(plan);
    let labels: BTreeMap<_, String> = plan.steps.keys().map(|id| (id, label(checked, id))).collect();
    let width_of = |id| labels.get(id).map_or(0, |text| text.chars().count() * LETTER + 24);
    let widths: Vec<usize> =
        rows.iter().map(|row| row.iter().map(|id| width_of(*id) + GAP).sum::<usize>()).collect();
    let width = widths.iter().copied().max().unwrap_or(0).max(160) + 2 * MARGIN;
    let height = rows.len() * ROW + 2 * MARGIN;
    let mut boxes = BTreeMap::new();
    for (index, (row, row_width)) in rows.iter().zip(&widths).enumerate() {
        let mut x = (width - row_width) / 2;
        for id in row {
            let wide = width_of(*id);
            boxes.insert(*id, (x, MARGIN + index * ROW, wide));
            x += wide + GAP;
        }
    }
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"monospace\" font-size=\"13\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        escaped(plan.name.as_str())
    );
    for (id, step) in &plan.steps {
        let Some((x, y, wide)) = boxes.get(id) else { continue };
        let dash = if step.condition.is_some() { " stroke-dasharray=\"5 4\"" } else { "" };
        for (from_x, from_y, from_wide) in step.needs.iter().filter_map(|need| boxes.get(need)) {
            let (start_x, start_y, end_x) = (from_x + from_wide / 2, from_y + HEIGHT, x + wide / 2);
            let bend = y.saturating_sub(start_y) / 2;
            let (bend_start, bend_end) = (start_y + bend, y - bend);
            let _ = writeln!(
                out,
                "<path d=\"M{start_x} {start_y} C{start_x} {bend_start} {end_x} {bend_end} {end_x} {y}\" fill=\"none\" \
                 stroke=\"#8a8f98\"{dash}/>"
            );
        }
    }
    for (id, (x, y, wide)) in &boxes {
        let round = match form_of(checked, id) {
            "wait" | "waitUntil" | "signal" | "approval" => HEIGHT / 2,
            _ => 5,
        };
        let text = escaped(labels.get(id).map_or("", String::as_str));
        let (text_x, text_y) = (x + wide / 2, y + 21);
        let _ = writeln!(
            out,
            "<g><rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"#f4f6f8\" \
             stroke=\"#3b4252\"/><text x=\"{text_x}\" y=\"{text_y}\" text-anchor=\"middle\" fill=\"#1f2430\">{text}</text></g>"
        );
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no such letters at all.
            '\u{fffe}' | '\u{ffff}' => {}
            plain => out.push(plain),
        }
    }
    out
}
