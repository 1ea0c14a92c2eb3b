//! Values and texts with expressions inside, and `if`.
//!
//! An expression's place is found again in the text only when something must be told about it: escapes and folded
//! lines make offsets in a value differ from offsets in the file.

use super::keys::or;
use super::{Occurrence, Owner, Reader, Role};
use crate::diagnostic::codes;
use crate::diagnostic::collector::{Report, shown};
use crate::expression::Expression;
use crate::read::tree::{Entry, Kind, Node, Place};
use crate::template::{OPEN, Part, Piece, Template, TemplateValue, split};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// Expressions of one text, and the texts between them.
const MOST_PARTS: usize = 1_000;

impl Reader<'_, '_> {
    /// A text in which expressions may stand; its result is always a string.
    pub(crate) fn template(&mut self, node: &Node<'_>, text: &str, owner: Owner) -> Option<Template> {
        self.pieces(node, text, owner, Role::InText)
    }

    /// `alone` is what an expression is used for that is all of the text.
    fn pieces(&mut self, node: &Node<'_>, text: &str, owner: Owner, alone: Role) -> Option<Template> {
        let parts = match split(text) {
            Ok(parts) => parts,
            Err(_) => {
                let report =
                    Report::error(codes::BAD_EXPRESSION, node.place, "`${{` has no `}}` that ends it");
                self.sink.add(
                    report.fix("${{ inputs.date }}   and for the three letters themselves   ${{ '${{' }}"),
                );
                return None;
            }
        };
        if parts.len() > MOST_PARTS {
            let message = format!("the text has {} parts, and {MOST_PARTS} is the most", parts.len());
            let report = Report::error(codes::OUT_OF_LIMITS, node.place, message);
            self.sink.add(report.fix("hand the data over as a value of `with`, not inside a text"));
            return None;
        }
        let role = if parts.len() == 1 { alone } else { Role::InText };
        let mut pieces = Vec::with_capacity(parts.len());
        let mut nth = 0;
        for part in parts {
            match part {
                Part::Text(range) => pieces.push(Piece::Text(text.get(range)?.to_owned())),
                Part::Expression(range) => {
                    let at = (node.place, nth);
                    pieces.push(Piece::Expression(self.expression(text.get(range)?, at, owner, role)?));
                    nth += 1;
                }
            }
        }
        Some(Template { pieces })
    }

    /// Any value, with expressions in its strings.
    pub(crate) fn template_value(&mut self, key: &str, node: &Node<'_>, owner: Owner) -> TemplateValue {
        self.value_for(Role::Whole, key, node, owner)
    }

    /// The same where one expression alone is used for more than to be a value.
    pub(crate) fn value_for(
        &mut self,
        role: Role,
        key: &str,
        node: &Node<'_>,
        owner: Owner,
    ) -> TemplateValue {
        match &node.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => TemplateValue::Literal(node.to_value()),
            Kind::Text(text) if !text.contains(OPEN) => {
                TemplateValue::Literal(Value::String(text.to_string()))
            }
            Kind::Text(text) => match self.pieces(node, text, owner, role) {
                None => TemplateValue::Literal(Value::Null),
                Some(template) => one_expression(template),
            },
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.template_value(key, item, owner)).collect();
                if items.iter().all(|item| matches!(item, TemplateValue::Literal(_))) {
                    return TemplateValue::Literal(node.to_value());
                }
                TemplateValue::List(items)
            }
            Kind::Map(entries) => {
                let mut map = BTreeMap::new();
                for entry in entries {
                    if entry.key.contains(OPEN) {
                        crate::check::literals::refuse_key(self.sink, entry, key);
                    }
                    map.insert(entry.key.to_string(), self.template_value(key, &entry.value, owner));
                }
                if map.values().all(|item| matches!(item, TemplateValue::Literal(_))) {
                    return TemplateValue::Literal(node.to_value());
                }
                TemplateValue::Object(map)
            }
        }
    }

    /// `if`: always an expression; `true` and `false` are two.
    pub(crate) fn condition(&mut self, entry: &Entry<'_>, owner: Owner) -> Option<Expression> {
        if let Kind::Bool(value) = entry.value.kind {
            let place = or(entry.value.place, entry.place);
            let text = if value { "true" } else { "false" };
            return self.expression(text, (place, usize::MAX), owner, Role::Condition);
        }
        self.whole_expression(entry, owner, Role::Condition)
    }

    /// A key whose value is always an expression; `${{ }}` around it changes nothing.
    pub(crate) fn whole_expression(
        &mut self,
        entry: &Entry<'_>,
        owner: Owner,
        role: Role,
    ) -> Option<Expression> {
        let place = or(entry.value.place, entry.place);
        let Some(text) = entry.value.as_text() else {
            self.wrong(place, entry.key, "an expression", &entry.value);
            return None;
        };
        match split(text.trim()).as_deref() {
            Ok([Part::Expression(range)]) => {
                let inside = text.trim().get(range.clone())?;
                self.expression(inside, (place, 0), owner, role)
            }
            Ok(parts) if parts.iter().any(|part| matches!(part, Part::Expression(_))) => {
                let message = format!("`{}` is one expression, not text with expressions inside", entry.key);
                let report = Report::error(codes::BAD_EXPRESSION, place, message);
                self.sink.add(report.fix(format!("{}: {}", entry.key, without_marks(text))));
                None
            }
            _ => self.expression(text, (place, usize::MAX), owner, role),
        }
    }

    /// Parses one expression; `nth` says which `${{` of the scalar it is, `usize::MAX` that it is the whole scalar.
    fn expression(&mut self, text: &str, at: (Place, usize), owner: Owner, role: Role) -> Option<Expression> {
        let (place, nth) = at;
        match self.known.parse(text) {
            Ok(expression) => {
                let kept = expression.clone();
                self.expressions.push(Occurrence { expression: kept, place, nth, owner, role });
                Some(expression)
            }
            Err(error) => {
                let exact = self.sink.has_room();
                let at = if exact {
                    locate(self.sink.text(), place, text, nth, error.range.clone())
                } else {
                    place
                };
                let message = format!("{} is no expression", shown(text.trim()));
                let report = Report::error(codes::BAD_EXPRESSION, at, message);
                self.sink.add(report.label(error.message));
                None
            }
        }
    }
}

fn one_expression(template: Template) -> TemplateValue {
    match <[Piece; 1]>::try_from(template.pieces) {
        Ok([Piece::Expression(expression)]) => TemplateValue::Expression(expression),
        Ok([text]) => TemplateValue::Text(Template { pieces: vec![text] }),
        Err(pieces) => TemplateValue::Text(Template { pieces }),
    }
}

fn without_marks(text: &str) -> String {
    text.replace(OPEN, "").replace("}}", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The place in the file of a part of an expression: `range` within `source`, which stands in the scalar at `place`.
pub(crate) fn locate(text: &str, place: Place, source: &str, nth: usize, range: Range<usize>) -> Place {
    let (start, end) = (place.start as usize, place.end as usize);
    let Some(raw) = text.get(start..end) else { return place };
    let begin = if nth == usize::MAX {
        raw.find(source)
    } else {
        // Openings inside strings of expressions count in the file and not in the value: the nearest equal text wins, and behind
        // the first one at or after the place itself there is no nearer one.
        let openings = raw.match_indices(OPEN).map(|(at, _)| at + OPEN.len()).enumerate();
        let equal = openings.filter(|(_, at)| raw.get(*at..).is_some_and(|rest| rest.starts_with(source)));
        let mut nearest: Option<(usize, usize)> = None;
        for (index, at) in equal {
            if nearest.is_none_or(|(best, _)| index.abs_diff(nth) < best) {
                nearest = Some((index.abs_diff(nth), at));
            }
            if index >= nth {
                break;
            }
        }
        nearest.map(|(_, at)| at)
    };
    let Some(begin) = begin else { return place };
    let inside = source.get(range.clone()).unwrap_or(source);
    let lead = if source.get(range.clone()).is_some() { range.start } else { 0 };
    let blank = inside.len() - inside.trim_start().len();
    let trimmed = inside.trim();
    if trimmed.is_empty() {
        return Place::new(start + begin, start + begin + source.len());
    }
    let from = start + begin + lead + blank;
    Place::new(from, from + trimmed.len())
}
